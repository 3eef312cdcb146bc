//! Little-endian integers and length-prefixed strings, with every length checked before it is believed.

use crate::error::{BuildError, TokenError};

/// Reads from the front of a slice. Nothing is allocated, and nothing past the end is touched.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { left: bytes }
    }

    pub(crate) fn left(&self) -> &'a [u8] {
        self.left
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    pub(crate) fn bytes(&mut self, len: usize) -> Result<&'a [u8], TokenError> {
        let (taken, left) = self.left.split_at_checked(len).ok_or(TokenError::Truncated)?;
        self.left = left;
        Ok(taken)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, TokenError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn i16(&mut self) -> Result<i16, TokenError> {
        Ok(i16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, TokenError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A `u16` length and that many bytes.
    pub(crate) fn prefixed(&mut self) -> Result<&'a [u8], TokenError> {
        let len = self.u16()?;
        self.bytes(len.into())
    }

    /// A `u16` length and that many bytes of UTF-8.
    pub(crate) fn text(&mut self) -> Result<&'a str, TokenError> {
        std::str::from_utf8(self.prefixed()?).map_err(|_| TokenError::NotUtf8)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], TokenError> {
        let (taken, left) = self.left.split_first_chunk().ok_or(TokenError::Truncated)?;
        self.left = left;
        Ok(*taken)
    }
}

/// Appends a string with its length, unless the length does not fit.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) -> Result<(), BuildError> {
    put_prefixed(out, text.as_bytes())
}

/// Appends bytes with their length, unless the length does not fit.
pub(crate) fn put_prefixed(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), BuildError> {
    let len = u16::try_from(bytes.len()).map_err(|_| BuildError::StringTooLong { bytes: bytes.len() })?;
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Appends a count, unless it does not fit.
pub(crate) fn put_count(out: &mut Vec<u8>, count: usize) -> Result<(), BuildError> {
    let fitting = u16::try_from(count).map_err(|_| BuildError::TooMany { count })?;
    out.extend_from_slice(&fitting.to_le_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_overruns_is_truncated_and_takes_nothing() {
        let mut reader = Reader::new(&[0xff, 0xff, b'r', b'o']);
        assert!(matches!(reader.prefixed(), Err(TokenError::Truncated)));
        assert_eq!(reader.left(), b"ro");
    }

    #[test]
    fn a_string_of_65536_bytes_cannot_be_written() {
        let mut out = Vec::new();
        put_text(&mut out, &"x".repeat(65_535)).unwrap();
        assert_eq!(out.len(), 65_537);
        assert_eq!(put_text(&mut out, &"x".repeat(65_536)), Err(BuildError::StringTooLong { bytes: 65_536 }));
    }
}
