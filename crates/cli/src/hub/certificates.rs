//! Who vouches for servers: the usual authorities, or those of `SSL_CERT_FILE`, for networks that open TLS.

use std::path::Path;

use anyhow::{Result, bail};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// With the certificates of a file in PEM form, if one is named.
pub(super) fn tls(file: Option<&Path>) -> Result<TlsConfig> {
    let usual = TlsConfig::builder();
    let Some(file) = file else { return Ok(usual.build()) };
    let named = format!("the certificates of SSL_CERT_FILE ({})", file.display());
    let text = match std::fs::read(file) {
        Ok(text) => text,
        Err(error) => bail!("cannot read {named}: {error}; unset it, or have it name a PEM file"),
    };
    let certificates: Vec<Certificate<'static>> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        bail!("{named} are none: unset it, or have it name a PEM file");
    }
    Ok(usual.root_certs(RootCerts::from(certificates)).build())
}
