//! How many tokens one core builds, and how many it reads and verifies. Every token is another one.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use symbolon_token::{
    AccessToken, AppCertificate, AppId, Compression, Issue, JoinRequest, Limits, Policy, Project, Role, Service,
    TokenBuilder, UidRequest, Unverified, Verifier, uid_text, verify,
};

criterion_group!(benches, build, read_and_verify);
criterion_main!(benches);

fn build(criterion: &mut Criterion) {
    let certificate = certificate();
    let mut group = criterion.benchmark_group("build");
    group.throughput(Throughput::Elements(1));
    group.bench_function("one by itself", |bencher| {
        let mut numbers = 0..;
        bencher.iter(|| black_box(token(numbers.next().unwrap()).build(&certificate).unwrap()));
    });
    for compression in [Compression::Small, Compression::Stored] {
        group.bench_function(format!("one after another, {compression:?}"), |bencher| {
            let mut builder = TokenBuilder::new(certificate.clone()).compression(compression);
            let mut numbers = 0..;
            bencher.iter(|| black_box(builder.build(&token(numbers.next().unwrap())).unwrap()));
        });
    }
    group.finish();
}

fn read_and_verify(criterion: &mut Criterion) {
    let certificates = [certificate()];
    let project = Project { certificates: &certificates, disabled: false };
    let request = JoinRequest { channel: CHANNEL, uid: UidRequest::Any };
    let (limits, policy) = (Limits::default(), Policy::default());
    let tokens: Vec<String> = (0..DISTINCT).map(|number| token(number).build(&certificates[0]).unwrap()).collect();

    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    group.bench_function("claims by themselves", |bencher| {
        let mut texts = tokens.iter().cycle();
        bencher.iter(|| {
            let unverified = Unverified::decode(texts.next().unwrap(), limits).unwrap();
            black_box(unverified.verify(&certificates).unwrap())
        });
    });
    group.bench_function("a join by itself", |bencher| {
        let mut texts = tokens.iter().cycle();
        bencher.iter(|| {
            let text = texts.next().unwrap();
            black_box(verify(text, |_| Some(project), request, NOW, limits, &policy).unwrap())
        });
    });
    group.bench_function("joins one after another", |bencher| {
        let mut verifier = Verifier::new(limits);
        let mut texts = tokens.iter().cycle();
        bencher.iter(|| {
            let text = texts.next().unwrap();
            black_box(verifier.verify(text, |_| Some(project), request, NOW, &policy).unwrap())
        });
    });
    group.finish();
}

/// A publisher's token, another one for each number.
fn token(number: u32) -> AccessToken {
    let app_id = AppId::parse("970CA35de60c44645bbae8a215061b33").unwrap();
    let salt = 1 + number.wrapping_mul(2_654_435_761) % 99_999_999;
    let issue = Issue { ts: NOW as u32 - number % 600, salt };
    let uid = uid_text(1 + number.wrapping_mul(40_503));
    AccessToken::new(app_id, issue, 3600).with(Service::rtc(CHANNEL, uid, Role::Publisher.privileges(3600)))
}

fn certificate() -> AppCertificate {
    AppCertificate::parse("5CFd2fd1755d40ecb72977518be15d3b").unwrap()
}

const CHANNEL: &str = "room-42";
const NOW: u64 = 1_800_000_000;
const DISTINCT: u32 = 20_000;
