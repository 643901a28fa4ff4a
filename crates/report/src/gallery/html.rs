//! Figures as inline SVGs on one HTML page.

use std::fmt::Write;

use crate::FigureError;
use crate::label::clean;
use crate::layout::{Glyphs, lay_out_within};
use crate::svg::{escape, write_compact_svg};

use super::Gallery;

const STYLE: &str = "\
body{margin:2rem auto;max-width:1380px;padding:0 1rem;color:#222;background:#fff;font:16px/1.5 'DejaVu Sans',\
Verdana,Helvetica,Arial,sans-serif}\
h1{font-size:1.3rem;margin:0 0 .5rem}\
p{font-size:.85rem;color:#595959;margin:0 0 .4rem}\
main{display:flex;flex-wrap:wrap;gap:1.5rem;justify-content:center;margin-top:1.5rem}\
figure{margin:0;break-inside:avoid;max-width:100%}\
svg{display:block;max-width:100%;height:auto}\
table{border-collapse:collapse;font-size:.8rem;font-variant-numeric:tabular-nums}\
th,td{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #ddd}\
.finding{font-size:1rem;color:#222}\
.wide{width:100%;max-width:1000px}\
.wide svg{width:100%}\
main+p{margin-top:1rem}\
@page{size:A4;margin:15mm}\
@media print{body{margin:0;padding:0;max-width:none}h1{font-size:11pt}p{font-size:7pt}main{gap:12pt;justify-content:left}}";

pub(super) fn write(gallery: &Gallery) -> Result<String, FigureError> {
    let mut body = String::new();
    for paragraph in gallery.paragraphs() {
        // Writing to a String cannot fail.
        let _ = writeln!(body, "<p>{}</p>", escape(&paragraph));
    }
    body.push_str("</header>\n<main>\n");
    for figure in &gallery.figures {
        let svg = write_compact_svg(&lay_out_within(figure, Glyphs::Any)?);
        let _ = writeln!(body, "<figure>\n{svg}</figure>");
    }
    body.push_str("</main>\n");
    Ok(page(&gallery.title, &body))
}

/// A page with a title; its body begins within the header, which it ends.
pub(crate) fn page(title: &str, body: &str) -> String {
    let title = escape(&clean(title));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"generator\" content=\"causal-trace {}\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n{body}</body>\n\
         </html>\n",
        env!("CARGO_PKG_VERSION")
    )
}
