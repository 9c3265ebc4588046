//! Serves the page of a running grid.
//!
//! A thread for each connection, one request for each connection: a page asks every two seconds, and there are few of
//! them. Requests are parsed by `httparse`, within limits that [`request`] sets before anything is looked up; files are
//! found by [`files`], which knows their names. Nothing is ever written.
//!
//! `httparse` and threads are enough for a page and some files. No small HTTP server had limits on the size and the
//! duration of a request.

mod files;
mod request;
mod site;

use std::io::{self, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tracing::warn;

use request::{Refusal, Request};
use site::Site;

pub use request::Audience;

/// The most connections at a time.
const CONNECTIONS: usize = 64;
/// How long a browser may take for an answer, and so many bytes a second more: the slowest line that is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const SLOWEST: u64 = 16 << 10;
/// How long it may go on sending after the answer.
const LINGER: Duration = Duration::from_secs(1);
/// What a page may do: run what it holds, ask here, nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                           connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Whatever else is shown may do nothing; pictures have styles.
const FILE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";

/// Where a browser on this machine finds the page.
pub fn address(bound: SocketAddr) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("http://localhost:{}/", bound.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => format!("http://{bound}/"),
    }
}

/// Serves a results folder to browsers, for ever.
pub fn serve(listener: &TcpListener, results: &Path, audience: Audience) -> ! {
    accept(listener, &Arc::new(Site::new(results)), audience)
}

fn accept(listener: &TcpListener, site: &Arc<Site>, audience: Audience) -> ! {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of file descriptors, perhaps, or a browser that changed its mind.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let Some(slot) = ConnectionSlot::take(&open) else {
            continue;
        };
        let site = site.clone();
        let answer = move || {
            // A browser that goes away is no error of ours.
            drop((answer(stream, &site, audience), slot));
        };
        if let Err(error) = std::thread::Builder::new().spawn(answer) {
            warn!("a request was not answered: {error}");
        }
    }
}

/// One of the connections, until it is dropped.
struct ConnectionSlot(Arc<AtomicUsize>);

impl ConnectionSlot {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let slot = Self(open.clone());
        (open.fetch_add(1, Ordering::Relaxed) < CONNECTIONS).then_some(slot)
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The head of an answer.
struct AnswerHead<'a> {
    status: (u16, &'a str),
    content_type: &'a str,
    length: u64,
    policy: &'a str,
    /// Further lines, each with its end.
    more: &'a str,
}

impl AnswerHead<'_> {
    fn text(&self) -> String {
        let Self {
            status: (code, name),
            content_type,
            length,
            policy,
            more,
        } = self;
        format!(
            "HTTP/1.1 {code} {name}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
             Content-Security-Policy: {policy}\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\nCross-Origin-Resource-Policy: same-origin\r\n\
             Cross-Origin-Opener-Policy: same-origin\r\n{more}Connection: close\r\n\r\n"
        )
    }
}

/// A connection on which an answer must have arrived by some time, however slowly the browser takes it.
struct Timed {
    stream: TcpStream,
    deadline: Instant,
}

impl Timed {
    /// For an answer of so many bytes.
    fn new(stream: TcpStream, length: u64) -> Self {
        let deadline = Instant::now() + PATIENCE + Duration::from_secs(length / SLOWEST);
        Self { stream, deadline }
    }

    fn left(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }

    /// Ends the answer, then takes what is still coming, up to a limit: closed with unread bytes, a connection may lose
    /// the answer.
    fn finish(mut self) -> io::Result<()> {
        self.stream.shutdown(std::net::Shutdown::Write)?;
        self.deadline = Instant::now() + LINGER;
        io::copy(&mut self.take(64 << 10), &mut io::sink())?;
        Ok(())
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(bytes)
    }
}

/// Reads a request and answers it.
fn answer(mut stream: TcpStream, site: &Site, audience: Audience) -> io::Result<()> {
    let request = match Request::receive(&mut stream, audience) {
        Ok(request) => request,
        Err(refusal) => return refuse(stream, refusal),
    };
    let Request { is_head, path } = request;
    match path.as_str() {
        "/" => {
            let page = site.page();
            send(
                stream,
                is_head,
                "text/html; charset=utf-8",
                PAGE_POLICY,
                &page,
            )
        }
        "/version" => {
            let version = site.version();
            send(
                stream,
                is_head,
                "text/plain; charset=utf-8",
                FILE_POLICY,
                &version,
            )
        }
        path => match path
            .strip_prefix("/files/")
            .and_then(|path| files::find(&site.results, path))
        {
            Some(found) => send_file(stream, is_head, found),
            None => refuse(
                stream,
                (404, "Not Found", "there is nothing of this name here"),
            ),
        },
    }
}

fn send(
    stream: TcpStream,
    is_head: bool,
    content_type: &str,
    policy: &str,
    text: &str,
) -> io::Result<()> {
    let head = AnswerHead {
        status: (200, "OK"),
        content_type,
        length: text.len() as u64,
        policy,
        more: "",
    };
    let mut stream = Timed::new(stream, head.length);
    stream.write_all(head.text().as_bytes())?;
    if !is_head {
        stream.write_all(text.as_bytes())?;
    }
    stream.finish()
}

fn send_file(stream: TcpStream, is_head: bool, found: files::ServedFile) -> io::Result<()> {
    let head = AnswerHead {
        status: (200, "OK"),
        content_type: found.content_type,
        length: found.length,
        policy: FILE_POLICY,
        more: if found.is_download {
            "Content-Disposition: attachment\r\n"
        } else {
            ""
        },
    };
    let mut stream = Timed::new(stream, head.length);
    stream.write_all(head.text().as_bytes())?;
    if !is_head {
        let file = found.file.take(found.length);
        io::copy(&mut BufReader::with_capacity(64 << 10, file), &mut stream)?;
    }
    stream.finish()
}

fn refuse(stream: TcpStream, (code, name, message): Refusal) -> io::Result<()> {
    let text = format!("{message}\n");
    let head = AnswerHead {
        status: (code, name),
        content_type: "text/plain; charset=utf-8",
        length: text.len() as u64,
        policy: FILE_POLICY,
        more: if code == 405 {
            "Allow: GET, HEAD\r\n"
        } else {
            ""
        },
    };
    let mut stream = Timed::new(stream, head.length);
    stream.write_all((head.text() + &text).as_bytes())?;
    stream.finish()
}

#[cfg(test)]
mod tests;
