//! `smtp-conformance record`.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use smtp_conformance::record::{Recorder, Recording, proxy};
use smtp_conformance::transcript::Role;

use crate::exit::{Exit, Trouble};

/// Stands between a client and a server for one session, and writes it down as a transcript
///
/// What TLS protects cannot be recorded: at STARTTLS the transcript ends, and the session goes on. Passwords become
/// $user and $password; the transcript ends where a secret cannot be taken out.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Where the client connects to
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
    /// Where the server is
    #[arg(long, value_name = "HOST:PORT")]
    to: String,
    /// The transcript. Messages go beside it, as NAME-1.eml and so on
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Who is under test when the transcript is played
    #[arg(long, value_enum, default_value = "server")]
    role: TestedRole,
    /// Takes STARTTLS out of what the server offers: the session stays in clear, with all passwords, between these three
    #[arg(long)]
    insecure_hide_starttls: bool,
    /// Overwrites the transcript and the messages if they exist
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TestedRole {
    Server,
    Client,
}

pub(crate) fn run(options: &Options) -> Result<Exit, Trouble> {
    let name = options.out.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_name =
        !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if !is_name {
        return Err(Trouble::usage("--out names a file of letters, digits, - and _, as in session.smtpt"));
    }
    if !options.force && options.out.exists() {
        return Err(Trouble::usage(format!("{} exists: --force overwrites it", options.out.display())));
    }
    let listener = TcpListener::bind(&options.listen)
        .map_err(|error| Trouble::usage(format!("--listen {}: {error}", options.listen)))?;
    let role = match options.role {
        TestedRole::Server => Role::Server,
        TestedRole::Client => Role::Client,
    };
    let mut recorder = Recorder::new(role, &name);
    if options.insecure_hide_starttls {
        recorder = recorder.hiding_starttls();
    }
    anstream::eprintln!("waiting for a client on {}", listener.local_addr()?);
    let recording = proxy(&listener, &options.to, recorder).map_err(Trouble::unreachable)?;
    write(&options.out, &recording, options.force)?;
    let files = if recording.files.is_empty() {
        String::new()
    } else {
        format!(", {} messages beside it", recording.files.len())
    };
    anstream::eprintln!("{} is written{files}", options.out.display());
    Ok(Exit::Ok)
}

fn write(path: &Path, recording: &Recording, force: bool) -> Result<(), Trouble> {
    for (name, message) in &recording.files {
        write_file(&path.with_file_name(name), message, force)?;
    }
    write_file(path, recording.text.as_bytes(), force)
}

fn write_file(path: &Path, octets: &[u8], force: bool) -> Result<(), Trouble> {
    let mut options = fs::OpenOptions::new();
    options.write(true).truncate(true).create(force).create_new(!force);
    let written = options.open(path).and_then(|mut file| std::io::Write::write_all(&mut file, octets));
    written.map_err(|error| Trouble::file(path, &error))
}
