//! The server as a program that speaks HTTP meets it.

use std::io::{Read, Write};
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::watch::testing::write_run;

/// A server of a folder, on any free port.
fn serve(folder: &Path, audience: Audience) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let site = Arc::new(Site::new(folder));
    std::thread::spawn(move || accept(&listener, &site, audience));
    address
}

/// Status code, head and body of the answer to some bytes.
fn send_raw(address: SocketAddr, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer
        .windows(4)
        .position(|bytes| bytes == b"\r\n\r\n")
        .expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, head, answer.split_off(end + 4))
}

fn get(address: SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    send_raw(address, request.as_bytes())
}

fn text(address: SocketAddr, path: &str) -> String {
    let (code, _, body) = get(address, path);
    assert_eq!(code, 200, "{path}");
    String::from_utf8(body).unwrap()
}

/// The page that comes after one, which is good enough for a second or so.
fn newer(address: SocketAddr, before: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let page = text(address, "/");
        if page != before {
            return page;
        }
        assert!(Instant::now() < deadline, "no newer page comes");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn the_page_follows_the_records() {
    let folder = TempDir::new().unwrap();
    let results = folder.path().join("grid");
    let address = serve(&results, Audience::Local);
    let waiting = text(address, "/");
    assert!(
        waiting.contains("cannot read the folder grid") && !waiting.contains("id=\"data\""),
        "{waiting}"
    );
    write_run(&results.join("a <run>"), 3);
    let page = newer(address, &waiting);
    assert!(page.contains("id=\"data\"") && page.contains("id=\"follow\""));
    let version = text(address, "/version");
    assert!(
        page.contains(&format!("data-version=\"{version}\"")),
        "{version}"
    );
    assert!(
        (page.replace("&#x2f;", "/")).contains("href=\"files/a%20%3Crun%3E/metrics%2Ecsv\""),
        "links to records"
    );
    assert!(page.contains("connect-src 'self'"), "the page may ask here");
    write_run(&results.join("a <run>"), 4);
    let newer = newer(address, &page);
    assert!(
        newer.matches("0.125").count() > page.matches("0.125").count(),
        "the new row is on the page"
    );
    let version_2 = text(address, "/version");
    assert!(version_2 != version && newer.contains(&version_2));
    let rows = text(address, "/files/a%20%3Crun%3E/metrics%2Ecsv");
    assert_eq!(rows.lines().count(), 5);
}

#[test]
fn answers_carry_the_headers_that_keep_a_page_to_itself() {
    let folder = TempDir::new().unwrap();
    write_run(&folder.path().join("run"), 1);
    let address = serve(folder.path(), Audience::Local);
    for path in ["/", "/version", "/files/run/run.json", "/missing"] {
        let (_, head, body) = get(address, path);
        for header in [
            "X-Content-Type-Options: nosniff",
            "Cache-Control: no-store",
            "Content-Security-Policy: default-src 'none'",
            "frame-ancestors 'none'",
            "Cross-Origin-Resource-Policy: same-origin",
            &format!("Content-Length: {}", body.len()),
        ] {
            assert!(head.contains(header), "{path}: {header} is not in {head}");
        }
    }
    let head_only = send_raw(address, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head_only.0 == 200 && head_only.2.is_empty());
}

#[test]
fn what_is_no_record_below_the_folder_cannot_be_had() {
    let folder = TempDir::new().unwrap();
    let results = folder.path().join("results");
    write_run(&results.join("run"), 1);
    std::fs::write(folder.path().join("run.json"), "outside").unwrap();
    std::fs::write(results.join("run/notes.txt"), "private").unwrap();
    let address = serve(&results, Audience::Local);
    assert_eq!(get(address, "/files/run/run.json").0, 200);
    let outside = format!("/files/{}/run.json", folder.path().display());
    for path in [
        "/files/../run.json",
        "/files/run/../../run.json",
        "/files/%2e%2e/run.json",
        "/files/..%2frun.json",
        "/files/%252e%252e/run.json",
        "/../run.json",
        "/files//run/run.json",
        "/files/run/notes.txt",
        "/files/run/",
        "/files/run",
        "/files/",
        "/files/run/run.json%00",
        "/run/run.json",
        "/etc/passwd",
        "/files//etc/passwd",
        &outside,
    ] {
        let (code, _, body) = get(address, path);
        assert_eq!(code, 404, "{path}");
        let body = String::from_utf8(body).unwrap();
        assert!(
            !body.contains("outside") && !body.contains("private"),
            "{path}"
        );
    }
    assert_eq!(
        get(address, &format!("/files/{}", "a/".repeat(2000))).0,
        414
    );
}

#[test]
fn foreign_hosts_other_methods_and_noise_are_refused() {
    let folder = TempDir::new().unwrap();
    let address = serve(folder.path(), Audience::Local);
    let code = |text: &str| send_raw(address, text.as_bytes()).0;
    assert_eq!(code("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
    assert_eq!(
        code("GET /version HTTP/1.1\r\nHost: evil.example:8642\r\n\r\n"),
        403
    );
    assert_eq!(code("GET / HTTP/1.1\r\n\r\n"), 400);
    let post = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 40000\r\n\r\n{}",
        "a".repeat(40_000)
    );
    assert_eq!(
        code(&post),
        405,
        "the answer arrives though the body is not read"
    );
    assert_eq!(
        code(&format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n",
            "a".repeat(20_000)
        )),
        431
    );
    assert_eq!(code("hello\r\n\r\n"), 400);
    let all = serve(folder.path(), Audience::All);
    assert_eq!(
        send_raw(all, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n").0,
        200
    );
}

/// Nobody is kept waiting by those who connect and say nothing.
#[test]
fn silent_connections_are_dropped_when_there_are_too_many() {
    let folder = TempDir::new().unwrap();
    let address = serve(folder.path(), Audience::Local);
    let silent: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let mut more = TcpStream::connect(address).unwrap();
    more.set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    assert_eq!(more.read(&mut [0]).unwrap_or(0), 0, "it is closed at once");
    drop(silent);
    let is_served = || {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(request).is_ok()
            && stream
                .read_to_string(&mut answer)
                .is_ok_and(|count| count > 0)
    };
    assert!((0..1000).any(|_| is_served()), "places are free again");
}

/// A byte now and then keeps no connection open: neither after the answer, nor instead of taking it.
#[test]
fn a_slow_browser_does_not_stay_for_ever() {
    let folder = TempDir::new().unwrap();
    let address = serve(folder.path(), Audience::Local);
    let mut stream = TcpStream::connect(address).unwrap();
    let request = b"GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).unwrap();
    let start = Instant::now();
    while stream.write_all(b"x").is_ok() {
        assert!(start.elapsed() < 10 * LINGER, "it still listens");
        std::thread::sleep(LINGER / 10);
    }

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut browser = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut timed = Timed::new(listener.accept().unwrap().0, 0);
    timed.deadline = Instant::now() + Duration::from_millis(300);
    let taking = std::thread::spawn(move || {
        let mut piece = [0; 1 << 10];
        for _ in 0..60 {
            let _ = browser.read(&mut piece);
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let error = timed.write_all(&vec![0; 100 << 20]).unwrap_err();
    let is_late = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock].contains(&error.kind());
    assert!(is_late, "{error}");
    drop(timed);
    taking.join().unwrap();
}

#[test]
fn the_address_is_one_that_a_browser_can_open() {
    let address = |text: &str| address(text.parse().unwrap());
    assert_eq!(address("127.0.0.1:8642"), "http://127.0.0.1:8642/");
    assert_eq!(address("[::1]:8642"), "http://[::1]:8642/");
    assert_eq!(address("0.0.0.0:80"), "http://localhost:80/");
}
