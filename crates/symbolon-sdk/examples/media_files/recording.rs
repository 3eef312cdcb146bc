//! One file for each publication that is heard or seen.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use symbolon_sdk::{Codec, PublicationId, RemoteFrame, Uid};

use super::ivf::IvfWriter;
use super::ogg_opus::{OggOpusWriter, is_stereo};

type Sink = BufWriter<File>;

/// The files of a recording, all in one folder.
pub(crate) struct Recording {
    folder: PathBuf,
    files: BTreeMap<(Uid, PublicationId), Recorded>,
}

/// A file that is being written.
pub(crate) struct Recorded {
    pub(crate) path: PathBuf,
    codec: Codec,
    first_timestamp: u64,
    writer: Writer,
}

enum Writer {
    Ivf(IvfWriter<Sink>),
    Opus(OggOpusWriter<Sink>),
    /// H.264 as a byte stream, which players open as it is; it has no times.
    AnnexB(Sink, u64),
}

impl Recording {
    /// Records into a folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), files: BTreeMap::new() })
    }

    /// Adds a frame. A video begins with its first keyframe.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn add(&mut self, frame: &RemoteFrame) -> io::Result<()> {
        let key = (frame.uid, frame.publication);
        if !self.files.contains_key(&key) {
            let Some(file) = Recorded::begin(&self.folder, frame)? else {
                return Ok(());
            };
            self.files.insert(key, file);
        }
        match self.files.get_mut(&key) {
            // A file holds one codec; what comes in another later is left out.
            Some(file) if file.codec == frame.codec => file.write(frame),
            _ => Ok(()),
        }
    }

    /// Completes all files. Gives each with the number of its frames.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(crate) fn finish(self) -> io::Result<Vec<(PathBuf, u64)>> {
        self.files.into_values().map(Recorded::finish).collect()
    }
}

impl Recorded {
    fn begin(folder: &Path, frame: &RemoteFrame) -> io::Result<Option<Self>> {
        if !frame.keyframe {
            return Ok(None);
        }
        let ending = match frame.codec {
            Codec::Opus => "ogg",
            Codec::H264 => "h264",
            _ => "ivf",
        };
        let source = format!("{:?}", frame.track.source).to_lowercase();
        let path = folder.join(format!("{}-{source}-{}.{ending}", frame.uid, frame.publication.0));
        let sink = BufWriter::new(File::create(&path)?);
        let writer = match frame.codec {
            Codec::Opus => Writer::Opus(OggOpusWriter::new(sink, is_stereo(&frame.data))?),
            Codec::H264 => Writer::AnnexB(sink, 0),
            codec => Writer::Ivf(IvfWriter::new(sink, codec, frame.size.unwrap_or_default())?),
        };
        Ok(Some(Self { path, codec: frame.codec, first_timestamp: frame.timestamp, writer }))
    }

    fn write(&mut self, frame: &RemoteFrame) -> io::Result<()> {
        let ticks = frame.timestamp.saturating_sub(self.first_timestamp);
        match &mut self.writer {
            Writer::Opus(writer) => writer.write(frame.timestamp, &frame.data),
            Writer::AnnexB(sink, frames) => {
                *frames += 1;
                sink.write_all(&frame.data)
            }
            Writer::Ivf(writer) if frame.codec == Codec::Av1 && !frame.data.starts_with(&TEMPORAL_DELIMITER) => {
                writer.write(ticks, &[&TEMPORAL_DELIMITER, &*frame.data].concat())
            }
            Writer::Ivf(writer) => writer.write(ticks, &frame.data),
        }
    }

    fn finish(self) -> io::Result<(PathBuf, u64)> {
        let frames = match self.writer {
            Writer::Ivf(writer) => {
                let frames = writer.frames().into();
                writer.finish()?;
                frames
            }
            Writer::Opus(writer) => {
                let packets = writer.packets();
                writer.finish()?;
                packets
            }
            Writer::AnnexB(mut sink, frames) => {
                sink.flush()?;
                frames
            }
        };
        Ok((self.path, frames))
    }
}

/// An AV1 temporal unit begins with this OBU in a file; on the network it is left out.
const TEMPORAL_DELIMITER: [u8; 2] = [0x12, 0x00];
