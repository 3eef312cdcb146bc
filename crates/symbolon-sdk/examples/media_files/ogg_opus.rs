//! Ogg Opus (RFC 7845): packets of one stream, with a running count of samples.

use std::io::{self, Read, Seek, Write};

use ogg::writing::PacketWriteEndInfo;
use ogg::{OggReadError, PacketReader, PacketWriter};

/// Reads the packets of the first Opus stream.
pub(crate) struct OggOpusReader<R: Read + Seek> {
    packets: PacketReader<R>,
    serial: u32,
}

impl<R: Read + Seek> OggOpusReader<R> {
    /// Reads the two header packets.
    ///
    /// # Errors
    /// When the source is no Ogg file, or its first stream is not Opus.
    pub(crate) fn new(source: R) -> io::Result<Self> {
        let mut packets = PacketReader::new(source);
        let head = packets.read_packet_expected().map_err(ogg_error)?;
        if !head.data.starts_with(HEAD_MAGIC) {
            return Err(bad("the Ogg file does not begin with an Opus stream"));
        }
        let serial = head.stream_serial();
        let mut reader = Self { packets, serial };
        let tags = reader.next_of_stream()?;
        if !tags.is_some_and(|tags| tags.starts_with(TAGS_MAGIC)) {
            return Err(bad("the Opus stream has no comment header"));
        }
        Ok(reader)
    }

    /// The next packet and its length in samples, or none at the end.
    ///
    /// # Errors
    /// When reading fails, or a packet is no Opus packet.
    pub(crate) fn next_packet(&mut self) -> io::Result<Option<(Vec<u8>, u64)>> {
        let Some(data) = self.next_of_stream()? else {
            return Ok(None);
        };
        let samples = samples_of(&data).ok_or_else(|| bad("a packet that is not Opus"))?;
        Ok(Some((data, samples)))
    }

    fn next_of_stream(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(packet) = self.packets.read_packet().map_err(ogg_error)? {
            if packet.stream_serial() == self.serial {
                return Ok(Some(packet.data));
            }
        }
        Ok(None)
    }
}

/// Writes packets that arrive with timestamps; what is missing between them becomes silence, so that the file is as
/// long as the stream was.
pub(crate) struct OggOpusWriter<W: Write> {
    packets: PacketWriter<'static, W>,
    /// The packet that waits for its successor: the last one of a stream is marked as such.
    waiting: Option<Vec<u8>>,
    /// Samples up to the end of the waiting packet.
    granule: u64,
    /// The timestamp at which a packet without a gap would come next.
    next_timestamp: Option<u64>,
    written: u64,
}

impl<W: Write> OggOpusWriter<W> {
    /// Writes the two header packets.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn new(sink: W, stereo: bool) -> io::Result<Self> {
        let mut packets = PacketWriter::new(sink);
        packets.write_packet(head(stereo), SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        packets.write_packet(tags(), SERIAL, PacketWriteEndInfo::EndPage, 0)?;
        Ok(Self { packets, waiting: None, granule: u64::from(PRE_SKIP), next_timestamp: None, written: 0 })
    }

    /// Adds a packet. One that is older than what is written already is left out, as is one that is not Opus.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn write(&mut self, timestamp: u64, packet: &[u8]) -> io::Result<()> {
        let Some(samples) = samples_of(packet) else {
            return Ok(());
        };
        let next = self.next_timestamp.unwrap_or(timestamp);
        if timestamp < next && next - timestamp < LONGEST_GAP {
            return Ok(());
        }
        let gap = timestamp.wrapping_sub(next);
        if gap < LONGEST_GAP {
            self.fill(gap / samples, packet[0], samples)?;
        }
        self.put(packet.to_vec(), samples)?;
        self.next_timestamp = Some(timestamp + samples);
        Ok(())
    }

    /// Packets written so far.
    pub(crate) fn packets(&self) -> u64 {
        self.written
    }

    /// Writes the last packet and ends the stream.
    ///
    /// # Errors
    /// When writing fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        if let Some(last) = self.waiting.take() {
            self.packets.write_packet(last, SERIAL, PacketWriteEndInfo::EndStream, self.granule)?;
        }
        let mut sink = self.packets.into_inner();
        sink.flush()?;
        Ok(sink)
    }

    /// Packets of no bytes but their first: a decoder conceals each of them (RFC 7845, 4.1).
    fn fill(&mut self, count: u64, toc: u8, samples: u64) -> io::Result<()> {
        for _ in 0..count {
            self.put(vec![toc & !FRAME_COUNT_BITS], frame_samples(toc).min(samples))?;
        }
        Ok(())
    }

    fn put(&mut self, packet: Vec<u8>, samples: u64) -> io::Result<()> {
        if let Some(previous) = self.waiting.replace(packet) {
            let end = if self.written.is_multiple_of(PACKETS_PER_PAGE) {
                PacketWriteEndInfo::EndPage
            } else {
                PacketWriteEndInfo::NormalPacket
            };
            self.packets.write_packet(previous, SERIAL, end, self.granule)?;
        }
        self.granule += samples;
        self.written += 1;
        Ok(())
    }
}

/// Whether a packet's first byte says two channels (RFC 6716, 3.1).
pub(crate) fn is_stereo(packet: &[u8]) -> bool {
    packet.first().is_some_and(|toc| toc & 0b100 != 0)
}

/// The length of a packet in samples of 48 kHz (RFC 6716, 3.1 and 3.2); none for what cannot be a packet.
pub(crate) fn samples_of(packet: &[u8]) -> Option<u64> {
    let toc = *packet.first()?;
    let frames = match toc & FRAME_COUNT_BITS {
        0 => 1,
        1 | 2 => 2,
        _ => u64::from(packet.get(1)? & 0b11_1111),
    };
    let samples = frames * frame_samples(toc);
    (1..=LONGEST_PACKET).contains(&samples).then_some(samples)
}

fn frame_samples(toc: u8) -> u64 {
    let config = toc >> 3;
    match config {
        0..12 => [480, 960, 1_920, 2_880][usize::from(config % 4)],
        12..16 => [480, 960][usize::from(config % 2)],
        _ => [120, 240, 480, 960][usize::from(config % 4)],
    }
}

fn head(stereo: bool) -> Vec<u8> {
    let mut head = HEAD_MAGIC.to_vec();
    head.extend_from_slice(&[1, if stereo { 2 } else { 1 }]);
    head.extend_from_slice(&PRE_SKIP.to_le_bytes());
    head.extend_from_slice(&SAMPLE_RATE.to_le_bytes());
    head.extend_from_slice(&[0, 0, 0]);
    head
}

fn tags() -> Vec<u8> {
    let vendor = b"symbolon";
    let mut tags = TAGS_MAGIC.to_vec();
    tags.extend_from_slice(&(vendor.len() as u32).to_le_bytes());
    tags.extend_from_slice(vendor);
    tags.extend_from_slice(&0u32.to_le_bytes());
    tags
}

fn ogg_error(error: OggReadError) -> io::Error {
    bad(&format!("the Ogg file cannot be read: {error}"))
}

fn bad(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

const HEAD_MAGIC: &[u8] = b"OpusHead";
const TAGS_MAGIC: &[u8] = b"OpusTags";
const SERIAL: u32 = 1;
/// Samples that a decoder throws away while it converges: 80 ms, the advice of RFC 7845 for a stream cut from another.
const PRE_SKIP: u16 = 3_840;
const SAMPLE_RATE: u32 = 48_000;
/// About a second of packets in each page.
const PACKETS_PER_PAGE: u64 = 50;
/// A longer silence (ten seconds), or a jump back by more, is a new start and not filled.
const LONGEST_GAP: u64 = 480_000;
/// No packet is longer than 120 ms.
const LONGEST_PACKET: u64 = 5_760;
const FRAME_COUNT_BITS: u8 = 0b11;
