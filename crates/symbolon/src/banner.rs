//! What development mode says when it starts.

use std::fmt;
use std::path::Path;

use symbolon_server::Addresses;

/// Everything that a first call needs. Plain text, so that it reads the same in a terminal and in a file.
pub(crate) struct Banner<'a> {
    pub(crate) addresses: Addresses,
    pub(crate) app_id: &'a str,
    pub(crate) state_dir: Option<&'a Path>,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Addresses { public, private } = self.addresses;
        writeln!(f)?;
        writeln!(f, "  Symbolon {}, development mode", env!("CARGO_PKG_VERSION"))?;
        writeln!(f)?;
        writeln!(f, "  Call page   http://localhost:{}/", public.port())?;
        writeln!(f, "  A token     curl http://{public}/rtc/AgoraChannel/publisher/uid/1001/")?;
        writeln!(f, "  App ID      {}", self.app_id)?;
        writeln!(f, "  Metrics     http://{private}/metrics")?;
        if let Some(state_dir) = self.state_dir {
            writeln!(f, "  State       {}", state_dir.display())?;
        }
        writeln!(f)?;
        writeln!(f, "  Open to anyone on this machine: whoever can reach these addresses gets any token.")?;
        writeln!(f, "  Nobody else can reach them. Set APP_ID and APP_CERTIFICATE for production.")?;
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_fits_a_terminal_and_the_facts_are_there() {
        let addresses =
            Addresses { public: "127.0.0.1:8080".parse().unwrap(), private: "127.0.0.1:40001".parse().unwrap() };
        let app_id = "eaa2d524f79f8ac632252761b8a02751";
        let text =
            Banner { addresses, app_id, state_dir: Some(Path::new("/home/ann/.local/state/symbolon")) }.to_string();
        for fact in [
            "http://localhost:8080/\n",
            "curl http://127.0.0.1:8080/rtc/AgoraChannel/publisher/uid/1001/\n",
            app_id,
            "http://127.0.0.1:40001/metrics\n",
            "/home/ann/.local/state/symbolon\n",
            "Open to anyone on this machine",
        ] {
            assert!(text.contains(fact), "{fact}");
        }
        assert!(text.lines().all(|line| line.len() <= 100 && line == line.trim_end()), "{text}");
    }
}
