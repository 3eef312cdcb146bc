//! IVF: a header of 32 bytes, then frames, each with its size and time.

use std::io::{self, Read, Seek, SeekFrom, Write};

use symbolon_sdk::Codec;

/// What a file says about its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) codec: Codec,
    pub(crate) width: u16,
    pub(crate) height: u16,
    /// Frame times are in units of `scale / rate` seconds.
    pub(crate) rate: u32,
    pub(crate) scale: u32,
}

impl Header {
    /// A frame time of this file in ticks of the video clock (90,000 in a second).
    pub(crate) fn ticks(&self, time: u64) -> u64 {
        let ticks = u128::from(time) * VIDEO_CLOCK * u128::from(self.scale) / u128::from(self.rate);
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

/// Reads frames one by one.
pub(crate) struct IvfReader<R> {
    source: R,
    header: Header,
    first_frame: u64,
}

impl<R: Read + Seek> IvfReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the source is no IVF file, or holds another codec than VP8, VP9 or AV1.
    pub(crate) fn new(mut source: R) -> io::Result<Self> {
        let mut bytes = [0; HEADER_BYTES];
        source.read_exact(&mut bytes)?;
        if &bytes[..4] != SIGNATURE {
            return Err(bad("this is no IVF file: it does not begin with DKIF"));
        }
        let header = Header {
            codec: codec_of(&bytes[8..12])?,
            width: u16_at(&bytes, 12),
            height: u16_at(&bytes, 14),
            rate: u32_at(&bytes, 16),
            scale: u32_at(&bytes, 20),
        };
        if header.rate == 0 || header.scale == 0 {
            return Err(bad("the IVF header states no frame rate"));
        }
        let first_frame = u64::from(u16_at(&bytes, 6));
        source.seek(SeekFrom::Start(first_frame))?;
        Ok(Self { source, header, first_frame })
    }

    /// What the header says.
    pub(crate) fn header(&self) -> Header {
        self.header
    }

    /// The next frame and its time, or none at the end of the file. A frame that is cut off counts as the end.
    ///
    /// # Errors
    /// When reading fails, or a frame claims to be larger than any real one.
    pub(crate) fn next_frame(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        let mut head = [0; FRAME_HEADER_BYTES];
        if !read_whole(&mut self.source, &mut head)? {
            return Ok(None);
        }
        let size = u32_at(&head, 0);
        if size > MAX_FRAME_BYTES {
            return Err(bad("a frame of the IVF file claims more than 16 MiB"));
        }
        let mut frame = vec![0; size as usize];
        let time = u64::from(u32_at(&head, 4)) | u64::from(u32_at(&head, 8)) << 32;
        let whole = read_whole(&mut self.source, &mut frame)?;
        Ok(whole.then_some((time, frame)))
    }

    /// Goes back to the first frame.
    ///
    /// # Errors
    /// When seeking fails.
    pub(crate) fn rewind(&mut self) -> io::Result<()> {
        self.source.seek(SeekFrom::Start(self.first_frame))?;
        Ok(())
    }
}

/// Writes frames one by one, with times in ticks of the video clock.
pub(crate) struct IvfWriter<W: Write + Seek> {
    sink: W,
    frames: u32,
    last_ticks: u64,
}

impl<W: Write + Seek> IvfWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// When writing fails, or the codec does not go into IVF.
    pub(crate) fn new(mut sink: W, codec: Codec, size: (u16, u16)) -> io::Result<Self> {
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(SIGNATURE);
        header.extend_from_slice(&0u16.to_le_bytes());
        header.extend_from_slice(&(HEADER_BYTES as u16).to_le_bytes());
        header.extend_from_slice(fourcc_of(codec)?);
        header.extend_from_slice(&size.0.to_le_bytes());
        header.extend_from_slice(&size.1.to_le_bytes());
        header.extend_from_slice(&(VIDEO_CLOCK as u32).to_le_bytes());
        header.extend_from_slice(&1u32.to_le_bytes());
        header.extend_from_slice(&[0; 8]);
        sink.write_all(&header)?;
        Ok(Self { sink, frames: 0, last_ticks: 0 })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// When writing fails, or the frame is larger than a file can say.
    pub(crate) fn write(&mut self, ticks: u64, frame: &[u8]) -> io::Result<()> {
        let size = u32::try_from(frame.len()).map_err(|_| bad("a frame over 4 GiB"))?;
        self.sink.write_all(&size.to_le_bytes())?;
        self.sink.write_all(&ticks.to_le_bytes())?;
        self.sink.write_all(frame)?;
        self.frames += 1;
        self.last_ticks = ticks;
        Ok(())
    }

    /// Frames written so far.
    pub(crate) fn frames(&self) -> u32 {
        self.frames
    }

    /// Puts the length into the header. Players read it in units of the times, as they do here; where a unit is a frame,
    /// that is the number of frames.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        let step = self.last_ticks / u64::from(self.frames.saturating_sub(1).max(1));
        let length = u32::try_from(self.last_ticks + step).unwrap_or(u32::MAX);
        self.sink.seek(SeekFrom::Start(LENGTH_OFFSET))?;
        self.sink.write_all(&length.to_le_bytes())?;
        self.sink.seek(SeekFrom::End(0))?;
        self.sink.flush()?;
        Ok(self.sink)
    }
}

fn codec_of(fourcc: &[u8]) -> io::Result<Codec> {
    match fourcc {
        b"VP80" => Ok(Codec::Vp8),
        b"VP90" => Ok(Codec::Vp9),
        b"AV01" => Ok(Codec::Av1),
        other => Err(bad(&format!("the IVF file holds {}, not VP80, VP90 or AV01", String::from_utf8_lossy(other)))),
    }
}

fn fourcc_of(codec: Codec) -> io::Result<&'static [u8; 4]> {
    match codec {
        Codec::Vp8 => Ok(b"VP80"),
        Codec::Vp9 => Ok(b"VP90"),
        Codec::Av1 => Ok(b"AV01"),
        other => Err(bad(&format!("{other:?} does not go into an IVF file"))),
    }
}

/// Fills the buffer; false when the source ends first.
fn read_whole(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match source.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

const SIGNATURE: &[u8; 4] = b"DKIF";
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 12;
const LENGTH_OFFSET: u64 = 24;
const MAX_FRAME_BYTES: u32 = 16 << 20;
const VIDEO_CLOCK: u128 = 90_000;
