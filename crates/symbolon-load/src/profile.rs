//! Which SRTP profile each connection got: str0m does not say, the DTLS underneath does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use str0m::crypto::dtls::{
    DtlsCert, DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, DtlsVersion, ProtocolVersion,
};
use str0m::crypto::{CryptoError, CryptoProvider, from_feature_flags};

/// How many connections got each profile. Clones speak of the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Profiles(Arc<Mutex<BTreeMap<String, u64>>>);

impl Profiles {
    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.0.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn count(&self, profile: &str) {
        *self.0.lock().expect("nobody panics with it").entry(profile.to_owned()).or_default() += 1;
    }

    /// A crypto provider that counts here. It stays for the life of the program, as str0m wants it.
    pub(crate) fn provider(&self) -> CryptoProvider {
        let provider = from_feature_flags();
        let dtls_provider = Box::leak(Box::new(Counting { inner: provider.dtls_provider, profiles: self.clone() }));
        CryptoProvider { dtls_provider, ..provider }
    }
}

#[derive(Debug)]
struct Counting {
    inner: &'static dyn DtlsProvider,
    profiles: Profiles,
}

impl DtlsProvider for Counting {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        cert: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(cert, now, version, mtu)?;
        Ok(Box::new(Counted { inner, profiles: self.profiles.clone() }))
    }
}

#[derive(Debug)]
struct Counted {
    inner: Box<dyn DtlsInstance>,
    profiles: Profiles,
}

impl DtlsInstance for Counted {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let output = self.inner.poll_output(buf);
        if let DtlsOutput::KeyingMaterial(_, profile) = &output {
            self.profiles.count(&profile.to_string());
        }
        output
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
