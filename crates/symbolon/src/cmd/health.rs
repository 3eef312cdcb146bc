//! `symbolon health`: asks a running server whether it can serve, for containers that have no other program to ask with.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Ask a running server whether it can serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where to ask. Without it: `/readyz` on this machine, at SERVER_PORT, else PORT, else 8080.
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// Runs the command. The exit status is 0 when the server can serve.
pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let url = args.url.unwrap_or_else(|| format!("http://127.0.0.1:{}/readyz", port()));
    let status = ask(&url).with_context(|| format!("{url} does not answer"))?;
    if status != 200 {
        bail!("{url} answers {status}");
    }
    Ok(ExitCode::SUCCESS)
}

fn port() -> String {
    let set = |name: &str| std::env::var(name).ok().filter(|port| !port.is_empty());
    set("SERVER_PORT").or_else(|| set("PORT")).unwrap_or_else(|| "8080".to_owned())
}

/// The status of the answer. The server is on this machine, so plain HTTP is all that is spoken.
fn ask(url: &str) -> Result<u16> {
    let rest = url.strip_prefix("http://").context("only http:// can be asked")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if host.contains(':') { host.to_socket_addrs() } else { (host, 80).to_socket_addrs() };
    let address = address.context("no such host")?.next().context("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
    let mut start = [0; STATUS_LINE];
    stream.read_exact(&mut start)?;
    let line = std::str::from_utf8(&start)?;
    let digits = line.strip_prefix("HTTP/1.1 ").context("the answer is not HTTP")?;
    digits.parse().context("the answer is not HTTP")
}

/// A server that takes longer cannot serve.
const PATIENCE: Duration = Duration::from_secs(3);
/// `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;
