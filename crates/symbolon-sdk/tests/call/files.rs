//! A file goes in at one engine and comes out at another.

use std::io::Cursor;

use symbolon_sdk::{Codec, Kind};

use crate::media_files::ivf::{IvfReader, IvfWriter};
use crate::media_files::ogg_opus::{OggOpusReader, OggOpusWriter, samples_of};
use crate::media_files::recording::Recording;
use crate::person::{Person, sound};
use crate::server::{TestServer, publisher, subscriber};

#[test]
fn a_recording_holds_what_was_published() {
    let server = TestServer::start();
    let mut ann = Person::broadcast(&server, &publisher("films", 1), "films", 1);
    let bob = Person::watch(&server, &subscriber("films", 2), "films", 2);
    ann.speak_to(&bob, Kind::Video, 60);
    let folder = std::env::temp_dir().join(format!("symbolon-recording-{}", std::process::id()));
    let mut recording = Recording::new(&folder).expect("a folder");
    let frames = bob.frames();
    for frame in &frames {
        recording.add(frame).expect("room on the disk");
    }
    let files = recording.finish().expect("room on the disk");
    assert_eq!(files.len(), 2);
    for (path, count) in files {
        let file = std::fs::File::open(&path).expect("written");
        if path.extension().is_some_and(|ending| ending == "ivf") {
            let mut reader = IvfReader::new(file).expect("an IVF file");
            let header = reader.header();
            assert_eq!((header.codec, header.width, header.height), (Codec::Vp8, 320, 240));
            let (first, data) = reader.next_frame().expect("readable").expect("a frame");
            assert_eq!((first, data[0] & 1), (0, 0), "it begins with a keyframe at zero");
            let (second, _) = reader.next_frame().expect("readable").expect("a frame");
            assert_eq!(header.ticks(second), 1_800);
        } else {
            let mut reader = OggOpusReader::new(file).expect("an Ogg Opus file");
            let mut packets = 0;
            while let Some((_, samples)) = reader.next_packet().expect("readable") {
                assert_eq!(samples, 960);
                packets += 1;
            }
            assert_eq!(packets, count);
        }
    }
    std::fs::remove_dir_all(&folder).expect("ours");
}

#[test]
fn ivf_goes_there_and_back() {
    let mut writer = IvfWriter::new(Cursor::new(Vec::new()), Codec::Vp9, (640, 360)).expect("memory");
    for number in 0..=2 {
        writer.write(number * 3_000, &[number as u8; 5]).expect("memory");
    }
    let bytes = writer.finish().expect("memory").into_inner();
    assert_eq!(bytes[24..28], 9_000_u32.to_le_bytes(), "a tenth of a second");
    let mut reader = IvfReader::new(Cursor::new(bytes.clone())).expect("an IVF file");
    assert_eq!((reader.header().width, reader.header().height), (640, 360));
    for _ in 0..2 {
        for number in 0..=2 {
            let (time, frame) = reader.next_frame().expect("readable").expect("a frame");
            assert_eq!((reader.header().ticks(time), frame), (number * 3_000, vec![number as u8; 5]));
        }
        assert!(reader.next_frame().expect("readable").is_none());
        reader.rewind().expect("memory");
    }
    let cut = bytes[..bytes.len() - 1].to_vec();
    let mut reader = IvfReader::new(Cursor::new(cut)).expect("an IVF file");
    assert_eq!(std::iter::from_fn(|| reader.next_frame().expect("readable")).count(), 2, "a cut frame is the end");
}

#[test]
fn what_is_no_ivf_is_refused_with_the_reason() {
    let mut header = vec![0; 32];
    let refusal = |header: &[u8]| IvfReader::new(Cursor::new(header.to_vec())).err().expect("refused").to_string();
    assert!(refusal(&header).contains("DKIF"));
    header[..4].copy_from_slice(b"DKIF");
    header[8..12].copy_from_slice(b"H264");
    assert!(refusal(&header).contains("H264"));
    header[8..12].copy_from_slice(b"VP80");
    assert!(refusal(&header).contains("frame rate"));
}

#[test]
fn ogg_keeps_time_over_gaps() {
    let mut writer = OggOpusWriter::new(Vec::new(), false).expect("memory");
    let times = [0, 1, 2, 10, 11, 5, 12];
    for number in times {
        writer.write(number * 960, &sound(number).data).expect("memory");
    }
    assert_eq!(writer.packets(), 13, "seven lost ones are filled in, a late one is left out");
    let bytes = writer.finish().expect("memory");
    let mut reader = OggOpusReader::new(Cursor::new(bytes)).expect("an Ogg Opus file");
    let mut lengths = Vec::new();
    while let Some((packet, samples)) = reader.next_packet().expect("readable") {
        lengths.push(packet.len());
        assert_eq!(samples, 960);
    }
    assert_eq!(lengths, [9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 9, 9, 9]);
}

#[test]
fn opus_packets_say_how_long_they_are() {
    // RFC 6716, table 2: SILK 10 ms, hybrid 20 ms, CELT 2.5 ms and 20 ms, then two and three frames in a packet.
    for (packet, samples) in [
        (&[0x00, 1][..], Some(480)),
        (&[0x68, 1], Some(960)),
        (&[0x80, 1], Some(120)),
        (&[0xF8, 1], Some(960)),
        (&[0xF9, 1], Some(1_920)),
        (&[0xFB, 3], Some(2_880)),
        (&[0xFB, 0], None),
        (&[0xFB, 63], None),
        (&[0xFB], None),
        (&[], None),
    ] {
        assert_eq!(samples_of(packet), samples, "{packet:?}");
    }
}
