/* Personal data: what is replaced and, as important, what is not. Card numbers are the test
 * numbers the card companies publish; addresses are those of RFC 5737 and 3849's neighbours. */

#include <string.h>

#include "ingest/pii.h"
#include "tests/tap.h"

static void is(const char *in, const char *want)
{
    struct da_buf b;
    da_buf_init(&b, 0);
    da_pii_mask(in, strlen(in), &b);
    tap_is_str(b.p, want, "%.*s", (int)strcspn(in, "\n"), in);
    da_buf_release(&b);
}

int main(void)
{
    is("Write to jane.doe+x@mail.example.org, please.", "Write to [EMAIL], please.");
    is("<a_b@c.de>", "<[EMAIL]>");
    is("user@localhost and @handle and a@b", "user@localhost and @handle and a@b");
    is("call +49 30 1234567 now", "call [PHONE] now");
    is("call +1 (212) 555-0100.", "call [PHONE].");
    is("(212) 555-0100 or 212-555-0100", "[PHONE] or [PHONE]");
    is("on 2021-03-04 at 10:30, 1,234,567 units", "on 2021-03-04 at 10:30, 1,234,567 units");
    is("ISBN 978-3-16-148410-0", "ISBN 978-3-16-148410-0");
    is("from 203.0.113.77 to 8.8.8.8", "from [IP] to [IP]");
    is("Linux 5.10.0.21, version 81.2.69.142, see 3.1.4.1",
       "Linux 5.10.0.21, version 81.2.69.142, see 3.1.4.1");
    is("DNS 1.2.3.4, IP: 5.10.0.21", "DNS [IP], IP: [IP]");
    is("020 7946 0958 or 00 44 20 7946 0958", "[PHONE] or [PHONE]");
    is("Tel. 7946 0958, fax: 030/123456", "Tel. [PHONE], fax: [PHONE]");
    is("100 000 000 in 2023 2024 2025, 0 123 456", "100 000 000 in 2023 2024 2025, 0 123 456");
    is("hosts 10.0.0.1, 192.168.1.1, 127.0.0.1", "hosts 10.0.0.1, 192.168.1.1, 127.0.0.1");
    is("version 1.2.3.4 of 300.1.1.1", "version 1.2.3.4 of 300.1.1.1");
    is("at 2001:db8::ff00:42:8329 too", "at [IP] too");
    is("fe80::1 and 12:30:45 and ::1", "fe80::1 and 12:30:45 and ::1");
    is("card 4111 1111 1111 1111.", "card [CARD].");
    is("card 378282246310005", "card [CARD]");
    is("order 4111 1111 1111 1112", "order 4111 1111 1111 1112");
    is("key AKIAIOSFODNN7EXAMPLE here", "key [KEY] here");
    is("sk-proj-abcdefghijklmnop1234567890", "[KEY]");
    is("ask-me and sk-short", "ask-me and sk-short");
    is("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx", "[KEY]\nx");
    is("no end: -----BEGIN RSA PRIVATE", "no end: -----BEGIN RSA PRIVATE");
    is("caf\xc3\xa9@example.org", "caf\xc3\xa9@example.org");
    is("", "");
    tap_is_int((long long)da_pii_count("[IP] x [IP] [EMAIL]", 19, DA_PII_IP), 2, "counted");
    tap_is_int((long long)da_pii_count("", 0, DA_PII_KEY), 0, "nothing counted");
    return tap_done();
}
