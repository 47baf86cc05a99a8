#!/bin/sh
# docassist ingest: plain text in the encodings of the world, found from the bytes alone. The text
# is article 1 of the Universal Declaration of Human Rights (United Nations, public domain),
# encoded by Perl's Encode, and must come back as it was.
. "$(dirname "$0")/lib.sh"

case $(docassist-extract --version) in
*charset*language*) ;;
*) skip_all "built without uchardet or CLD2" ;;
esac

mkdir in
perl -Mutf8 -MEncode -e '
    my %text = (
        ru => "Все люди рождаются свободными и равными в своем достоинстве и правах. Они наделены разумом и совестью и должны поступать в отношении друг друга в духе братства.",
        uk => "Всі люди народжуються вільними і рівними у своїй гідності та правах. Вони наділені розумом і совістю і повинні діяти у відношенні один до одного в дусі братерства.",
        el => "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια και τα δικαιώματα. Είναι προικισμένοι με λογική και συνείδηση, και οφείλουν να συμπεριφέρονται μεταξύ τους με πνεύμα αδελφοσύνης.",
        he => "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם. כולם חוננו בתבונה ובמצפון, לפיכך חובה עליהם לנהוג איש ברעהו ברוח של אחווה.",
        ar => "يولد جميع الناس أحرارا متساوين في الكرامة والحقوق. وقد وهبوا عقلا وضميرا وعليهم أن يعامل بعضهم بعضا بروح الإخاء.",
        tr => "Bütün insanlar hür, haysiyet ve haklar bakımından eşit doğarlar. Akıl ve vicdana sahiptirler ve birbirlerine karşı kardeşlik zihniyeti ile hareket etmelidirler.",
        pl => "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw. Są oni obdarzeni rozumem i sumieniem i powinni postępować wobec innych w duchu braterstwa.",
        lt => "Visi žmonės gimsta laisvi ir lygūs savo orumu ir teisėmis. Jiems suteiktas protas ir sąžinė ir jie turi elgtis vienas kito atžvilgiu kaip broliai.",
        fr => "Tous les êtres humains naissent libres et égaux en dignité et en droits. Ils sont doués de raison et de conscience et doivent agir les uns envers les autres dans un esprit de fraternité.",
        th => "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ต่างมีเหตุผลและมโนธรรม และควรปฏิบัติต่อกันด้วยเจตนารมณ์แห่งภราดรภาพ",
        ja => "すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。人間は、理性と良心とを授けられており、互いに同胞の精神をもって行動しなければならない。",
        zh => "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心,并应以兄弟关系的精神相对待。",
        tw => "人人生而自由,在尊嚴和權利上一律平等。他們賦有理性和良心,並應以兄弟關係的精神相對待。",
        ko => "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. 인간은 천부적으로 이성과 양심을 부여받았으며 서로 형제애의 정신으로 행동하여야 한다.",
    );
    my %enc = (
        ru => "koi8-r cp1251 iso-8859-5 cp866", uk => "koi8-u cp1251", el => "iso-8859-7 cp1253",
        he => "cp1255 iso-8859-8", ar => "cp1256 iso-8859-6", tr => "cp1254 iso-8859-9",
        pl => "cp1250 iso-8859-2", lt => "cp1257", fr => "cp1252 iso-8859-1 cp850", th => "tis-620",
        ja => "shiftjis euc-jp iso-2022-jp", zh => "gb2312 cp936", tw => "big5-eten", ko => "euc-kr",
    );
    for my $l (sort keys %text) {
        for my $e (split / /, $enc{$l} . " utf-8 utf-16le utf-16be utf-32le utf-32be utf-16 utf-32") {
            my $n = "$l-$e";
            my $t = $n . ".\n" . $text{$l};
            open my $w, ">:raw", "want-$n" or die;
            print $w encode("utf-8", $t), "\n";
            open my $o, ">:raw", "in/$n.txt" or die;
            print $o encode($e, $t . "\n");
        }
    }'
run docassist ingest in -o docs.jsonl --errors errors.jsonl -q
is_exit 0 "every one is read"
is "$(cat errors.jsonl)" '' "... none fails"
perl -MJSON::PP -e '
    open my $in, "<", "docs.jsonl" or die;
    while (<$in>) {
        my $d = decode_json($_);
        (my $n = $d->{source}{path}) =~ s/[.]txt$//;
        open my $w, "<:encoding(utf-8)", "want-$n" or die;
        local $/;
        (my $want = <$w>) =~ s/\n\z//;
        print "$n read as $d->{source}{charset}\n" if $d->{text} ne $want;
    }' >wrong
is "$(cat wrong)" '' "... and none wrongly"
is "$(wc -l <docs.jsonl)" "$(ls in | wc -l)" "as many records as files"
is "$(json source.charset docs.jsonl | LC_ALL=C sort -u | tr '\n' ' ')" "big5 cp850 cp932 cp949 euc-jp \
gb18030 ibm866 iso-2022-jp iso-8859-13 iso-8859-2 iso-8859-5 iso-8859-6 iso-8859-7 koi8-r koi8-u \
tis-620 utf-16be utf-16le utf-32be utf-32le utf-8 windows-1250 windows-1251 windows-1252 \
windows-1254 windows-1255 windows-1256 " "the record says which"
done_testing
