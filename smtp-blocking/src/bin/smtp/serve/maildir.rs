//! The Maildir: a message is a file, and appears in `new/` only whole and safely on disk.

use core::sync::atomic::{AtomicU64, Ordering};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder with the folders `tmp`, where messages are written, `new`, where they are when whole, and `cur`, for the
/// mail reader.
///
/// A program that ends in the middle of a message leaves a file in `tmp`, which mail readers remove after 36 hours.
#[derive(Debug)]
pub(crate) struct Maildir {
    folder: PathBuf,
    host: String,
    deliveries: AtomicU64,
}

/// A message on its way into a [`Maildir`]. Dropping it removes what was written.
#[derive(Debug)]
pub(crate) struct Delivery<'a> {
    maildir: &'a Maildir,
    name: String,
    file: BufWriter<File>,
    is_done: bool,
}

impl Maildir {
    /// Opens a Maildir and creates what is not there, for its owner alone. `host` goes into the names of its files.
    pub(crate) fn open(folder: &Path, host: &str) -> io::Result<Self> {
        let fresh: Vec<_> = folder.ancestors().take_while(|path| *path != Path::new("") && !path.exists()).collect();
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        for name in ["tmp", "new", "cur"] {
            builder.create(folder.join(name))?;
        }
        // A message is no safer than the folders above it.
        sync_folder(folder)?;
        for path in fresh {
            let above = path.parent().filter(|above| *above != Path::new(""));
            sync_folder(above.unwrap_or(Path::new(".")))?;
        }
        // Neither may stand in the name of a file, the colon because mail readers put their flags behind one.
        let host = host.replace('/', "\\057").replace(':', "\\072");
        Ok(Self { folder: folder.into(), host, deliveries: AtomicU64::new(0) })
    }

    /// Begins a message.
    pub(crate) fn deliver(&self) -> io::Result<Delivery<'_>> {
        let name = self.unique_name();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(self.path("tmp", &name))?;
        Ok(Delivery { maildir: self, name, file: BufWriter::with_capacity(BUFFER, file), is_done: false })
    }

    /// Removes a message that was delivered.
    pub(crate) fn withdraw(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path("new", name))
    }

    /// A name that no other delivery has: of this process by the counter, of another by time, process and host.
    fn unique_name(&self) -> String {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, micros, process) = (time.as_secs(), time.subsec_micros(), process::id());
        let number = self.deliveries.fetch_add(1, Ordering::Relaxed);
        format!("{seconds}.M{micros:06}P{process}Q{number}.{}", self.host)
    }

    fn path(&self, folder: &str, name: &str) -> PathBuf {
        self.folder.join(folder).join(name)
    }
}

impl Delivery<'_> {
    /// Ends the message: once this returns, it is in `new` and stays there whatever happens to the machine. Returns
    /// the name of the file.
    ///
    /// # Errors
    ///
    /// The message is then not there.
    pub(crate) fn finish(mut self) -> io::Result<String> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        let new = self.maildir.path("new", &self.name);
        fs::rename(self.temporary(), &new)?;
        self.is_done = true;
        if let Err(error) = sync_folder(&self.maildir.folder.join("new")) {
            // It will be refused, so it must not be delivered.
            fs::remove_file(&new)?;
            return Err(error);
        }
        Ok(core::mem::take(&mut self.name))
    }

    fn temporary(&self) -> PathBuf {
        self.maildir.path("tmp", &self.name)
    }
}

impl Write for Delivery<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            // What cannot be removed now is removed by a mail reader.
            let _ = fs::remove_file(self.temporary());
        }
    }
}

/// Makes the entries of a folder safe. Elsewhere than on Unix a folder cannot be opened for that.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Octets of a message that are gathered before they are written.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    use super::Maildir;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("a folder of the Maildir");
        entries.map(|entry| entry.expect("readable").file_name().into_string().expect("ASCII")).collect()
    }

    #[test]
    fn message_appears_only_whole() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let maildir = Maildir::open(&folder.path().join("a/mail"), "host:1/2").expect("created");
        let at = |name| folder.path().join("a/mail").join(name);
        let mut delivery = maildir.deliver().expect("created");
        delivery.write_all(&[b'x'; 100_000]).expect("written");
        assert_eq!((names(&at("tmp")).len(), names(&at("new")).len()), (1, 0));
        let name = delivery.finish().expect("finished");
        assert_eq!((names(&at("tmp")), names(&at("new"))), (vec![], vec![name.clone()]));
        assert_eq!(fs::read(at("new").join(&name)).expect("there").len(), 100_000);
        assert!(name.ends_with(".host\\0721\\0572"), "{name}");
    }

    #[test]
    fn what_is_given_up_is_removed() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let maildir = Maildir::open(folder.path(), "host").expect("opened");
        maildir.deliver().expect("created").write_all(b"x").expect("written");
        assert!(names(&folder.path().join("tmp")).is_empty());
        assert!(names(&folder.path().join("new")).is_empty());
    }

    #[test]
    fn what_cannot_be_finished_is_not_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let maildir = Maildir::open(folder.path(), "host").expect("opened");
        let delivery = maildir.deliver().expect("created");
        fs::remove_dir(folder.path().join("new")).expect("empty");
        delivery.finish().expect_err("there is no new/");
        assert!(names(&folder.path().join("tmp")).is_empty());
    }

    #[test]
    fn names_differ() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let maildir = Maildir::open(folder.path(), "host").expect("opened");
        let names: std::collections::BTreeSet<_> = (0..1000).map(|_| maildir.unique_name()).collect();
        assert_eq!(names.len(), 1000);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let maildir = Maildir::open(&folder.path().join("mail"), "host").expect("created");
        let name = maildir.deliver().expect("created").finish().expect("finished");
        let mode = |path: &str| {
            let path = folder.path().join("mail").join(path);
            fs::metadata(path).expect("there").permissions().mode() & 0o777
        };
        for path in ["", "tmp", "new", "cur"] {
            assert_eq!(mode(path), 0o700, "{path}");
        }
        assert_eq!(mode(&format!("new/{name}")), 0o600);
    }
}
