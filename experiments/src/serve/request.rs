//! What a browser asks for: the first lines of HTTP, read within limits of size and time.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest request line and headers, together.
const HEAD: usize = 8 << 10;
const HEADERS: usize = 64;
/// The longest target; no name below a results folder comes near it.
const TARGET: usize = 2 << 10;
/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that may be answered.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// `HEAD`: the answer has no body.
    pub is_head: bool,
    /// The path, still encoded, without a query.
    pub path: String,
}

/// Why a request is refused: status code, its name, and what to say.
pub type Refusal = (u16, &'static str, &'static str);

/// Whose requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Programs on this machine. Rejects foreign `Host` headers (DNS rebinding).
    Local,
    /// Anybody.
    All,
}

impl Request {
    /// Reads a request.
    pub fn receive(stream: &mut TcpStream, audience: Audience) -> Result<Self, Refusal> {
        let deadline = Instant::now() + PATIENCE;
        let mut head = Vec::new();
        let mut piece = [0; 1024];
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let late = (408, "Request Timeout", "the request took too long");
            if left.is_zero() || stream.set_read_timeout(Some(left)).is_err() {
                return Err(late);
            }
            match stream.read(&mut piece) {
                Ok(0) => return Err(bad("the request has no end")),
                Ok(count) => head.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(late),
            }
            if let Some(request) = Self::parse(&head, audience)? {
                return Ok(request);
            }
        }
    }

    /// The request in the bytes received so far. `None` if it is not complete.
    pub fn parse(head: &[u8], audience: Audience) -> Result<Option<Self>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let too_large = (
            431,
            "Request Header Fields Too Large",
            "the request is too long",
        );
        match parsed.parse(head) {
            Ok(httparse::Status::Complete(_)) if head.len() <= HEAD + 1024 => {}
            Ok(httparse::Status::Partial) if head.len() <= HEAD => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => return Err(too_large),
            Err(_) => return Err(bad("this is no HTTP request")),
        }
        let hosts =
            (parsed.headers.iter()).filter(|header| header.name.eq_ignore_ascii_case("host"));
        let hosts: Vec<&[u8]> = hosts.map(|header| header.value).collect();
        let &[host] = hosts.as_slice() else {
            return Err(bad("one Host header is expected"));
        };
        if audience == Audience::Local && !is_local(host) {
            return Err((
                403,
                "Forbidden",
                "only localhost is served here: open the address that `experiments serve` has printed",
            ));
        }
        let is_head = match parsed.method {
            Some("GET") => false,
            Some("HEAD") => true,
            _ => return Err((405, "Method Not Allowed", "only GET and HEAD are answered")),
        };
        let target = parsed.path.unwrap_or_default();
        if target.len() > TARGET {
            return Err((414, "URI Too Long", "there is no such long name here"));
        }
        let path = target.split(['?', '#']).next().unwrap_or_default();
        if !path.starts_with('/') {
            return Err(bad("the path must start with a slash"));
        }
        Ok(Some(Self {
            is_head,
            path: path.to_owned(),
        }))
    }
}

fn bad(message: &'static str) -> Refusal {
    (400, "Bad Request", message)
}

/// Whether a Host header names this machine from itself, at any port: a tunnel may end at another one. An address that
/// only this machine has is no name that somebody could point here.
fn is_local(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else {
        return false;
    };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').filter(|inner| inner.contains(':')),
        None => Some(name).filter(|name| !name.contains(':')),
    };
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    name.eq_ignore_ascii_case("localhost")
        || address.is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Option<Request>, u16> {
        Request::parse(text.as_bytes(), Audience::Local).map_err(|(code, ..)| code)
    }

    #[test]
    fn a_request_is_read_when_it_is_complete() {
        let text = "GET /version?a=b HTTP/1.1\r\nHost: localhost:8642\r\nAccept: */*\r\n\r\n";
        for end in 0..text.len() {
            assert_eq!(parse(&text[..end]), Ok(None), "{end}");
        }
        let request = Request {
            is_head: false,
            path: "/version".to_owned(),
        };
        assert_eq!(parse(text), Ok(Some(request)));
    }

    #[test]
    fn hosts_that_are_not_this_machine_are_refused_unless_all_are_served() {
        let text = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:8642",
            "[::1]:8642",
            "[::1]",
            "127.0.0.2:8642",
            "127.255.0.9",
            "[::ffff:127.0.0.1]:8642",
        ] {
            assert!(parse(&text(host)).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8642",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8642",
            "evil.example:localhost",
            "",
            "[::1",
            "::1",
            "[127.0.0.1]",
            "128.0.0.1:8642",
            "0.0.0.0",
            "[::2]",
            "127.1",
        ] {
            assert_eq!(parse(&text(host)), Err(403), "{host}");
            let all = Request::parse(text(host).as_bytes(), Audience::All);
            assert!(all.is_ok(), "{host}");
        }
        assert_eq!(parse("GET / HTTP/1.1\r\n\r\n"), Err(400), "no host");
        let twice = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n";
        assert_eq!(parse(twice), Err(400));
    }

    #[test]
    fn other_methods_targets_and_sizes_are_refused() {
        let with = |line: &str| parse(&format!("{line} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"] {
            assert_eq!(with(&format!("{method} /")), Err(405), "{method}");
        }
        assert!(with("HEAD /").is_ok_and(|request| request.unwrap().is_head));
        assert_eq!(with("GET http://localhost/"), Err(400));
        assert_eq!(with("GET *"), Err(400));
        assert_eq!(with(&format!("GET /{}", "a".repeat(3000))), Err(414));
        let header = |count: usize, length: usize| {
            let header = format!("X: {}\r\n", "a".repeat(length));
            parse(&format!(
                "GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n",
                header.repeat(count)
            ))
        };
        assert_eq!(header(1, 20_000), Err(431));
        assert_eq!(header(100, 1), Err(431));
        assert!(header(60, 1).is_ok());
        assert_eq!(
            parse(&format!("GET /{}", "a".repeat(9000))),
            Err(431),
            "no end in sight"
        );
        assert_eq!(parse("\u{1}\u{2}\r\n\r\n"), Err(400));
        assert_eq!(
            parse("GET / HTTP/1.1\r\nHost: loc\0alhost\r\n\r\n"),
            Err(400)
        );
    }
}
