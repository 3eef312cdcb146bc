//! How many tokens one core builds, and how many it reads and verifies. Every token is another one.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use symbolon_token::{
    AccessToken, AppCertificate, AppId, Issue, JoinRequest, Limits, Policy, Project, Role, Service, UidRequest,
    Unverified, uid_text, verify,
};

criterion_group!(benches, build, read_and_verify);
criterion_main!(benches);

fn build(criterion: &mut Criterion) {
    let certificate = certificate();
    let mut group = criterion.benchmark_group("build");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one at a time", |bencher| {
        let mut numbers = 0..;
        bencher.iter(|| {
            let token = token(numbers.next().unwrap());
            black_box(token.build(&certificate).unwrap())
        });
    });
    group.finish();
}

fn read_and_verify(criterion: &mut Criterion) {
    let certificates = [certificate()];
    let tokens: Vec<String> = (0..DISTINCT).map(|number| token(number).build(&certificates[0]).unwrap()).collect();
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    group.bench_function("claims", |bencher| {
        let mut texts = tokens.iter().cycle();
        bencher.iter(|| {
            let unverified = Unverified::decode(texts.next().unwrap(), Limits::default()).unwrap();
            black_box(unverified.verify(&certificates).unwrap())
        });
    });
    group.bench_function("a join in one call", |bencher| {
        let mut texts = tokens.iter().cycle();
        let project = Project { certificates: &certificates, disabled: false };
        let request = JoinRequest { channel: CHANNEL, uid: UidRequest::Any };
        let (limits, policy) = (Limits::default(), Policy::default());
        bencher.iter(|| {
            let text = texts.next().unwrap();
            let access = verify(text, |_| Some(project), request, NOW, limits, &policy);
            black_box(access.unwrap())
        });
    });
    group.finish();
}

/// A publisher's token, another one for each number.
fn token(number: u32) -> AccessToken {
    let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap();
    let issue = Issue { ts: NOW as u32 - number % 600, salt: 1 + number.wrapping_mul(2_654_435_761) % 99_999_999 };
    let uid = uid_text(1 + number.wrapping_mul(40_503));
    let rtc = Service::rtc(CHANNEL, uid, Role::Publisher.privileges(3600));
    AccessToken::new(app_id, issue, 3600).with(rtc)
}

fn certificate() -> AppCertificate {
    AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap()
}

const CHANNEL: &str = "room-42";
const NOW: u64 = 1_800_000_000;
const DISTINCT: u32 = 20_000;
