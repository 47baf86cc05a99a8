#include "common/zip.h"

#include <stdbool.h>

enum { ZIP_END = 22, ZIP_ENTRY = 46, ZIP_LOCAL = 30, ZIP_MAX_COMMENT = 65535, ZIP_SHOWN = 128 };

static uint32_t u16(const unsigned char *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return u16(p) | u16(p + 2) << 16;
}

enum da_rc da_zip_open(struct da_zip *z, const void *p, size_t len, struct da_err *err)
{
    *z = (struct da_zip){.p = p, .len = len};
    for (size_t back = ZIP_END; back <= len && back <= ZIP_END + ZIP_MAX_COMMENT; back++) {
        const unsigned char *e = z->p + len - back;
        if (u32(e) != 0x06054b50 || u16(e + 20) != back - ZIP_END)
            continue;
        uint64_t size = u32(e + 12), from = u32(e + 16);
        z->n = u16(e + 10);
        if (z->n == 0xffff || size == UINT32_MAX || from == UINT32_MAX)
            return da_fail(err, DA_EUNSUPPORTED, "zip64 archives are not read");
        if (from + size > len - back)
            return da_fail(err, DA_EFORMAT, "the archive's directory leaves the file");
        z->at = (size_t)from;
        z->end = (size_t)(from + size);
        return DA_OK;
    }
    return da_fail(err, DA_EFORMAT, "not a zip file");
}

enum da_rc da_zip_next(struct da_zip *z, struct da_zip_member *m, struct da_err *err)
{
    if (z->n == 0)
        return DA_ENOTFOUND;
    const unsigned char *e = z->p + z->at;
    if (z->end - z->at < ZIP_ENTRY || u32(e) != 0x02014b50)
        return da_fail(err, DA_EFORMAT, "the archive's directory is damaged");
    size_t name = u16(e + 28), all = ZIP_ENTRY + name + u16(e + 30) + u16(e + 32);
    if (all > z->end - z->at)
        return da_fail(err, DA_EFORMAT, "the archive's directory is damaged");
    const uint64_t local = u32(e + 42);
    *m = (struct da_zip_member){.name = da_span((const char *)e + ZIP_ENTRY, name),
                                .packed = u32(e + 20),
                                .size = u32(e + 24),
                                .crc = u32(e + 16),
                                .method = (unsigned)u16(e + 10)};
    const int shown = (int)(name < ZIP_SHOWN ? name : ZIP_SHOWN);
    if (u16(e + 8) & 1)
        return da_fail(err, DA_EUNSUPPORTED, "'%.*s' is encrypted", shown, m->name.p);
    if (m->size == UINT32_MAX || m->packed == UINT32_MAX || local == UINT32_MAX)
        return da_fail(err, DA_EUNSUPPORTED, "zip64 archives are not read");
    if (local + ZIP_LOCAL > z->len || u32(z->p + local) != 0x04034b50)
        return da_fail(err, DA_EFORMAT, "'%.*s' leaves the file", shown, m->name.p);
    uint64_t data = local + ZIP_LOCAL + u16(z->p + local + 26) + u16(z->p + local + 28);
    if (data > z->len || m->packed > z->len - data)
        return da_fail(err, DA_EFORMAT, "'%.*s' leaves the file", shown, m->name.p);
    m->data = z->p + data;
    z->at += all;
    z->n--;
    return DA_OK;
}
