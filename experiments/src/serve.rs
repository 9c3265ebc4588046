//! `experiments serve`: the page of a running grid for browsers on this machine.
//!
//! A thread for each connection, one request for each connection: a page asks every two seconds, and there are few of
//! them. Requests are parsed by `httparse`, within limits that [`request`] sets before anything is looked up; files are found
//! by [`files`], which knows their names. Nothing is ever written.

pub mod files;
pub mod request;
mod site;

use std::io::{self, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tracing::warn;

use crate::cli::ServeArgs;
use crate::session::Ending;
use crate::signals;
use request::{Audience, Refusal, Request};
use site::Site;

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

/// `experiments serve`
///
/// # Errors
///
/// RESULTS is no folder, or the port cannot be had.
pub fn run(arguments: &ServeArgs) -> Result<Ending> {
    let ServeArgs {
        results,
        port,
        host,
        open,
    } = arguments;
    ensure!(
        results.is_dir() || !results.exists(),
        "{} is no folder: give the one that `experiments run` writes to, such as results/quick",
        results.display()
    );
    let listener = TcpListener::bind((*host, *port)).with_context(|| {
        format!(
            "cannot listen on {}: --port 0 takes any that is free",
            SocketAddr::new(*host, *port)
        )
    })?;
    let bound = listener.local_addr()?;
    let audience = match host.to_canonical().is_loopback() {
        true => Audience::Local,
        false => Audience::All,
    };
    if audience == Audience::All {
        warn!(
            "--host {host}: anybody who can reach this machine's port {} can read {}",
            bound.port(),
            results.display()
        );
    }
    signals::end_at_once(Ending::Success as i32)?;
    let address = address(bound);
    println!(
        "serving {} at {address} (Ctrl-C ends it)",
        results.display()
    );
    io::stdout().flush()?;
    if *open && let Err(error) = open::that_detached(&address) {
        warn!("no program was found to open it with ({error}): open {address} in a browser");
    }
    accept(&listener, &Arc::new(Site::new(results)), audience)
}

/// Where a browser on this machine finds the page.
fn address(bound: SocketAddr) -> String {
    match bound.ip() {
        ip if ip.is_unspecified() => format!("http://localhost:{}/", bound.port()),
        IpAddr::V4(_) | IpAddr::V6(_) => format!("http://{bound}/"),
    }
}

fn accept(listener: &TcpListener, site: &Arc<Site>, audience: Audience) -> ! {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of file descriptors, perhaps, or a browser that changed its mind.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let Some(place) = Place::take(&open) else {
            continue;
        };
        let site = site.clone();
        let answer = move || {
            // A browser that goes away is no error of ours.
            drop((answer(stream, &site, audience), place));
        };
        if let Err(error) = std::thread::Builder::new().spawn(answer) {
            warn!("a request was not answered: {error}");
        }
    }
}

/// A place among the connections, until it is dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(open: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(open.clone());
        (open.fetch_add(1, Ordering::Relaxed) < CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The head of an answer.
struct Head<'a> {
    status: (u16, &'a str),
    content_type: &'a str,
    length: u64,
    policy: &'a str,
    /// Further lines, each with its end.
    more: &'a str,
}

impl Head<'_> {
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
        match left.is_zero() {
            true => Err(io::ErrorKind::TimedOut.into()),
            false => Ok(left),
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
    let head = Head {
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

fn send_file(stream: TcpStream, is_head: bool, found: files::Found) -> io::Result<()> {
    let head = Head {
        status: (200, "OK"),
        content_type: found.content_type,
        length: found.length,
        policy: FILE_POLICY,
        more: match found.is_download {
            true => "Content-Disposition: attachment\r\n",
            false => "",
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
    let head = Head {
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
