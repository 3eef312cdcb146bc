//! One round of the token benchmark: how many tokens one thread builds or verifies in a second.
//!
//! `scripts/bench-tokens` runs it in turn with the libraries of other languages. Every token is another one, with an
//! issue time of the last minute; nothing is cached but what a reused builder or verifier keeps.

use std::io::Write;
use std::time::{Duration, Instant};

use symbolon_token::{
    AccessToken, AppCertificate, AppId, Issue, JoinRequest, Limits, Policy, Project, Role, Service, TokenBuilder,
    UidRequest, Verifier, uid_text,
};

const CHANNEL: &str = "room-42";
/// How long a round takes.
const ROUND: Duration = Duration::from_secs(1);
/// How many tokens are made ready for a round of verifying.
const DISTINCT: u32 = 200_000;

#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn now() -> Instant {
    Instant::now()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app_id = AppId::parse("1f6a9c04be7d4c52a0b3e8d7795c2f10")?;
    let certificates = [AppCertificate::parse("c0ffee5eed0047aa9b3d61f2e8a4907b")?];
    let made = Issue::now().ts;
    let token = |number: u32| {
        let issue = Issue { ts: made - number % 60, salt: 1 + number.wrapping_mul(2_654_435_761) % 99_999_999 };
        let service = Service::rtc(CHANNEL, uid_text(1 + number), Role::Publisher.privileges(3600));
        AccessToken::new(app_id, issue, 3600).with(service)
    };
    let mut builder = TokenBuilder::new(certificates[0].clone());
    let rate = match std::env::args().nth(1).as_deref() {
        Some("build") => per_second(|number| builder.build(&token(number)).is_ok()),
        Some("verify") => {
            let texts = (0..DISTINCT).map(|number| builder.build(&token(number))).collect::<Result<Vec<_>, _>>()?;
            let (mut verifier, policy) = (Verifier::new(Limits::default()), Policy::default());
            let project = Project { certificates: &certificates, disabled: false };
            let request = JoinRequest { channel: CHANNEL, uid: UidRequest::Any };
            per_second(|number| {
                let text = &texts[(number % DISTINCT) as usize];
                verifier.verify(text, |_| Some(project), request, made.into(), &policy).is_ok()
            })
        }
        _ => return Err("say build or verify".into()),
    };
    writeln!(std::io::stdout(), "{rate:.0}")?;
    Ok(())
}

/// Does it for a round, with another number each time, and checks that it goes well.
fn per_second(mut act: impl FnMut(u32) -> bool) -> f64 {
    let start = now();
    let mut count = 0;
    while start.elapsed() < ROUND {
        for _ in 0..64 {
            assert!(act(count), "the {count}th token failed");
            count += 1;
        }
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}
