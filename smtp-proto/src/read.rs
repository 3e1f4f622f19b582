//! The buffer that a driver reads into.

use bytes::{Bytes, BytesMut};

/// A buffer to read the peer's octets into, which hands them out as [`Bytes`] without a copy.
///
/// The same memory serves again as soon as every [`Bytes`] from it was dropped, so that reading allocates nothing in
/// steady state. An idle connection calls [`release`](Self::release) and owns nothing.
///
/// ```
/// use std::io::Read;
///
/// use smtp_proto::ReadBuffer;
///
/// # fn main() -> std::io::Result<()> {
/// let mut socket: &[u8] = b"EHLO client.example\r\n";
/// let mut buffer = ReadBuffer::new();
/// let octets = socket.read(buffer.space())?;
/// assert_eq!(&buffer.filled(octets)[..], b"EHLO client.example\r\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct ReadBuffer {
    /// Zeros, or what earlier reads left: every octet may be overwritten.
    spare: BytesMut,
    /// Octets of the whole buffer.
    size: usize,
}

impl ReadBuffer {
    /// The least that [`space`](Self::space) gives, in octets.
    pub const LEAST: usize = 4 * 1024;
    /// The most that [`space`](Self::space) gives, in octets. The buffer grows towards it while reads fill it up.
    pub const MOST: usize = 64 * 1024;

    /// A buffer without memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for the next read. What it holds means nothing.
    pub fn space(&mut self) -> &mut [u8] {
        if self.spare.len() < Self::LEAST {
            self.renew();
        }
        &mut self.spare
    }

    /// The first `octets` of what [`space`](Self::space) gave, which were read into it. More than that is not handed
    /// out.
    pub fn filled(&mut self, octets: usize) -> Bytes {
        let whole = self.spare.len();
        if octets >= whole && whole == self.size {
            self.size = (2 * self.size).min(Self::MOST);
        }
        self.spare.split_to(octets.min(whole)).freeze()
    }

    /// Gives the memory back. What was handed out stays.
    pub fn release(&mut self) {
        *self = Self::new();
    }

    /// Takes the memory anew that was handed out, or other memory while that is in use.
    fn renew(&mut self) {
        self.size = self.size.max(FIRST);
        self.spare.clear();
        if self.spare.try_reclaim(self.size) {
            self.spare.resize(self.size, 0);
        } else {
            self.spare = BytesMut::zeroed(self.size);
        }
    }
}

/// The size of a buffer that was not filled up yet.
const FIRST: usize = 2 * ReadBuffer::LEAST;
