/* See mdtext.h. A block costs nothing until its first word: empty ones leave no trace. */

#include "ingest/mdtext.h"

#include <stdio.h>
#include <string.h>

void da_md_init(struct da_md *md, struct da_buf *out)
{
    memset(md, 0, sizeof *md);
    md->out = out;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void close_block(struct da_md *md)
{
    if (md->open) {
        while (md->out->len > 0 && (md->out->p[md->out->len - 1] == ' ' ||
                                    md->out->p[md->out->len - 1] == '\n'))
            da_buf_truncate(md->out, md->out->len - 1);
        md->last = md->kind;
        md->any = true;
    }
    md->open = false;
    md->space = false;
}

void da_md_block(struct da_md *md, enum da_md_kind kind, unsigned level, unsigned number)
{
    if (md->in_row) {
        md->space = true;
        return;
    }
    close_block(md);
    md->kind = kind;
    md->prefix[0] = 0;
    if (kind == DA_MD_HEADING) {
        level = level < 1 ? 1 : level > 6 ? 6 : level;
        memset(md->prefix, '#', level);
        md->prefix[level] = ' ';
        md->prefix[level + 1] = 0;
    } else if (kind == DA_MD_ITEM) {
        level = level > DA_MD_MAX_DEPTH ? DA_MD_MAX_DEPTH : level;
        if (number > 0)
            (void)snprintf(md->prefix, sizeof md->prefix, "%*s%u. ", (int)(2 * level), "", number);
        else
            (void)snprintf(md->prefix, sizeof md->prefix, "%*s- ", (int)(2 * level), "");
    }
}

void da_md_para(struct da_md *md)
{
    da_md_block(md, DA_MD_PARA, 0, 0);
}

static void open_block(struct da_md *md)
{
    if (md->any) {
        bool tight = md->kind == md->last && (md->kind == DA_MD_ITEM || md->kind == DA_MD_ROW);
        da_buf_add_str(md->out, tight ? "\n" : "\n\n");
    }
    da_buf_add_str(md->out, md->prefix);
    md->open = true;
    md->space = false;
}

void da_md_text(struct da_md *md, const char *p, size_t len)
{
    if (md->kind == DA_MD_PRE && !md->in_row) {
        if (len > 0 && !md->open)
            open_block(md);
        da_buf_add(md->out, p, len);
        return;
    }
    for (size_t i = 0; i < len;) {
        if (is_space(p[i])) {
            md->space = true;
            i++;
            continue;
        }
        size_t k = i;
        while (k < len && !is_space(p[k]))
            k++;
        if (!md->in_row && !md->open)
            open_block(md);
        else if (md->space && md->out->len > 0 && md->out->p[md->out->len - 1] != '\n' &&
                 md->out->p[md->out->len - 1] != ' ')
            da_buf_add_char(md->out, ' ');
        da_buf_add(md->out, p + i, k - i);
        md->row_text += k - i;
        md->space = false;
        i = k;
    }
}

void da_md_str(struct da_md *md, const char *s)
{
    da_md_text(md, s, strlen(s));
}

void da_md_br(struct da_md *md)
{
    if (md->in_row || !md->open) {
        md->space = true;
        return;
    }
    da_buf_add_char(md->out, '\n');
    md->space = false;
}

void da_md_row_begin(struct da_md *md)
{
    if (md->in_row)
        return;
    close_block(md);
    md->kind = DA_MD_ROW;
    md->prefix[0] = 0;
    md->row_start = md->out->len;
    open_block(md);
    md->row_text = 0;
    md->cells = 0;
    md->in_row = true;
}

void da_md_cell(struct da_md *md)
{
    if (md->cells > 0) {
        while (md->out->len > 0 && md->out->p[md->out->len - 1] == ' ')
            da_buf_truncate(md->out, md->out->len - 1);
        da_buf_add_str(md->out, " | ");
    }
    md->cells++;
    md->space = false;
}

void da_md_row_end(struct da_md *md)
{
    if (!md->in_row)
        return;
    md->in_row = false;
    if (md->row_text == 0) {
        da_buf_truncate(md->out, md->row_start);
        md->open = false;
        md->space = false;
        md->kind = DA_MD_PARA;
        return;
    }
    while (md->out->len > md->row_start && (md->out->p[md->out->len - 1] == ' ' ||
                                            md->out->p[md->out->len - 1] == '|'))
        da_buf_truncate(md->out, md->out->len - 1); /* empty cells at the end */
    md->n_rows++;
    close_block(md);
    md->kind = DA_MD_PARA;
}

void da_md_end(struct da_md *md)
{
    da_md_row_end(md);
    close_block(md);
    if (md->out->len > 0 && md->out->p[md->out->len - 1] != '\n')
        da_buf_add_char(md->out, '\n');
}
