//! Where the server listens, and under which names it is reached.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, anyhow};
use axum::http::uri::Authority;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// The port that a browser leaves out of an address.
const USUAL_PORT: u16 = 80;

/// Listens at a port of a host, which is an address or a name.
pub(super) fn listen(host: &str, port: u16) -> Result<TcpListener> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let unknown = || format!("--host {host} is no address or name of this machine");
    let addresses: Vec<SocketAddr> = (bare, port).to_socket_addrs().with_context(unknown)?.collect();
    let mut problem = anyhow!(unknown());
    for address in addresses {
        match listen_at(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => problem = explained(error, address, host),
        }
    }
    Err(problem)
}

fn listen_at(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Else a port stays taken for a while after its server ended. On Windows this would mean something else.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn explained(error: std::io::Error, address: SocketAddr, host: &str) -> anyhow::Error {
    let port = address.port();
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} of {host} is taken, perhaps by another `causal-trace serve`: end that one, or give another \
             --port (0 takes any that is free)"
        ),
        ErrorKind::PermissionDenied => {
            anyhow!(
                "port {port} is not for everybody to take: give a --port above 1023, or 0 for any that is free"
            )
        }
        ErrorKind::AddrNotAvailable => {
            anyhow!("--host {host} is no address of this machine: give one of its own, or leave --host out")
        }
        _ => anyhow!(error).context(format!("cannot listen at {address}")),
    }
}

/// Where the server listens.
#[derive(Debug)]
pub(super) struct Address {
    local: SocketAddr,
    /// What it was asked to be called, where that is a name.
    name: Option<String>,
}

impl Address {
    pub(super) fn new(local: SocketAddr, host: &str) -> Self {
        let is_number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        Address { local, name: (!is_number).then(|| host.to_ascii_lowercase()) }
    }

    /// Whether only this machine reaches it.
    pub(super) fn is_loopback(&self) -> bool {
        self.local.ip().is_loopback()
    }

    /// Whether it is reached under any address of this machine.
    pub(super) fn is_everywhere(&self) -> bool {
        self.local.ip().is_unspecified()
    }

    pub(super) fn port(&self) -> u16 {
        self.local.port()
    }

    /// Its origin, as a browser on this machine reaches it.
    pub(super) fn origin(&self) -> String {
        let ip = match self.local.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let port = self.port();
        match &self.name {
            Some(name) => format!("http://{name}:{port}"),
            None => format!("http://{}", SocketAddr::new(ip, port)),
        }
    }

    /// Whether a request for this host, as it stands in a `Host` header, is one for this server.
    ///
    /// A page of somebody else can have its own name point at this machine (DNS rebinding), and then ask as if it were
    /// of the same origin; but then the name is in the request. Numbers cannot be pointed elsewhere.
    pub(super) fn is_named(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let has_user = authority.as_str().contains('@');
        if has_user || authority.port_u16().unwrap_or(USUAL_PORT) != self.port() {
            return false;
        }
        let name = authority.host().to_ascii_lowercase();
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => self.is_loopback() || self.is_everywhere(),
            Ok(ip) => self.is_everywhere() || ip == self.local.ip(),
            Err(_) if name == "localhost" => self.is_loopback() || self.is_everywhere(),
            Err(_) => self.name.as_deref() == Some(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(local: &str, host: &str) -> Address {
        Address::new(local.parse().unwrap(), host)
    }

    #[test]
    fn this_machine_has_three_names() {
        let here = at("127.0.0.1:8787", "127.0.0.1");
        assert!(here.is_loopback());
        assert_eq!(here.origin(), "http://127.0.0.1:8787");
        for host in ["127.0.0.1:8787", "localhost:8787", "LOCALHOST:8787", "[::1]:8787"] {
            assert!(here.is_named(host), "{host}");
        }
        for host in [
            "127.0.0.1",
            "127.0.0.1:8788",
            "localhost",
            "evil.example:8787",
            "localhost.evil.example:8787",
            "127.0.0.1.evil.example:8787",
            "127.0.0.1:8787@evil.example:8787",
            "user@127.0.0.1:8787",
            "10.0.0.1:8787",
            "0.0.0.0:8787",
            "localhost:8787, evil.example",
            "localhost.:8787",
            "",
            ":8787",
            "/",
        ] {
            assert!(!here.is_named(host), "{host}");
        }
        assert!(at("127.0.0.1:80", "127.0.0.1").is_named("localhost"));
    }

    #[test]
    fn elsewhere_it_has_its_own_name_and_numbers() {
        let named = at("192.168.1.5:9000", "Workstation");
        assert!(!named.is_loopback());
        assert_eq!(named.origin(), "http://workstation:9000");
        for (host, is_ours) in [
            ("workstation:9000", true),
            ("192.168.1.5:9000", true),
            ("192.168.1.6:9000", false),
            ("localhost:9000", false),
            ("other:9000", false),
        ] {
            assert_eq!(named.is_named(host), is_ours, "{host}");
        }
        let everywhere = at("0.0.0.0:9000", "0.0.0.0");
        assert!(!everywhere.is_loopback());
        assert_eq!(everywhere.origin(), "http://127.0.0.1:9000");
        for (host, is_ours) in [
            ("192.168.1.5:9000", true),
            ("127.0.0.1:9000", true),
            ("localhost:9000", true),
            ("[fe80::1]:9000", true),
            ("evil.example:9000", false),
        ] {
            assert_eq!(everywhere.is_named(host), is_ours, "{host}");
        }
        assert_eq!(at("[::]:9000", "::").origin(), "http://[::1]:9000");
    }
}
