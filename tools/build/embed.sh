#!/bin/sh
# Prints an assembler file that carries the named files and a table of them
# (struct da_embedded in common/embed.h), sorted by name as make passes them.
echo '    .section .rodata'
i=0
for f in "$@"; do
    printf '    .balign 64\n.Ldata%d:\n    .incbin "%s"\n.Lend%d:\n    .byte 0\n' $i "$f" $i
    printf '.Lname%d:\n    .asciz "%s"\n' $i "$f"
    i=$((i + 1))
done
n=$i
printf '    .section .data.rel.ro,"aw"\n    .balign 8\n'
printf '    .globl da_embed_table\nda_embed_table:\n'
i=0
while [ $i -lt $n ]; do
    printf '    .quad .Lname%d, .Ldata%d, .Lend%d - .Ldata%d\n' $i $i $i $i
    i=$((i + 1))
done
printf '    .section .rodata\n    .balign 8\n'
printf '    .globl da_embed_count\nda_embed_count:\n    .quad %d\n' "$n"
echo '    .section .note.GNU-stack,"",%progbits'
