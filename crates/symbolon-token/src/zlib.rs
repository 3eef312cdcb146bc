//! One bounded, strict zlib stream in each direction.

use std::io::Write;

use flate2::{Compression, Decompress, FlushDecompress, Status, write::ZlibEncoder};

use crate::error::TokenError;

/// Inflates one whole zlib stream into at most `limit` bytes. Nothing may follow it.
pub(crate) fn inflate(stream: &[u8], limit: usize) -> Result<Vec<u8>, TokenError> {
    let mut out = vec![0; limit + 1];
    let mut state = Decompress::new(true);
    let status = state
        .decompress(stream, &mut out, FlushDecompress::Finish)
        .map_err(|_| TokenError::ZlibInvalid)?;
    let (taken, made) = (state.total_in() as usize, state.total_out() as usize);
    if made > limit {
        return Err(TokenError::InflateLimit { limit });
    }
    if status != Status::StreamEnd {
        return Err(TokenError::ZlibInvalid);
    }
    if taken != stream.len() {
        return Err(TokenError::TrailingBytes);
    }
    out.truncate(made);
    Ok(out)
}

/// Deflates into one zlib stream.
pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder
        .write_all(bytes)
        .expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}
