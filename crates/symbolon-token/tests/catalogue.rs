//! The abuse catalogue's cases about tokens, each against the verifier, with its fixtures and its clock.
//!
//! Cases that need a server or other members (T-55, T-56) are tested where those are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::Write;
use symbolon_token::{
    AppCertificate, AppId, Issue, JoinRequest, Limits, Policy, Project, Role, RtcAccess, RtcPrivilege, ServiceKind,
    TokenError, UidRequest, Unverified, Verifier, Wildcards, legacy, verify,
};

#[test]
fn t_01_a_bomb_at_the_text_limit_is_refused_within_its_memory() {
    let token = text(&zlib(&vec![0; 3_000_000], 9));
    assert!(token.len() <= 4096);
    let (asked, limits, policy) = (request(CHANNEL, "1001"), Limits::default(), Policy::default());
    let used = allocation_counter::measure(|| {
        let refused = verify(&token, lookup, asked, T0, limits, &policy);
        assert_eq!(refused, Err(TokenError::InflateLimit { limit: 65_536 }));
    });
    assert!(used.bytes_max <= 128 * 1024, "{used:?}");

    let mut verifier = Verifier::new(Limits::default());
    let in_a_row = allocation_counter::measure(|| {
        for _ in 0..1000 {
            let refused = verifier.verify(&token, lookup, asked, T0, &policy);
            assert_eq!(refused, Err(TokenError::InflateLimit { limit: 65_536 }));
        }
    });
    assert!(in_a_row.bytes_max <= 128 * 1024, "{in_a_row:?}");
    assert!(in_a_row.bytes_current <= 128 * 1024, "{in_a_row:?}");
}

#[test]
fn t_02_two_streams_joined_are_one_too_many() {
    let joined = [zlib(&good().payload(), 6), zlib(b"x", 6)].concat();
    assert_eq!(reason(&text(&joined)), "trailing_bytes");
}

#[test]
fn t_03_gzip_is_not_zlib() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&good().payload()).unwrap();
    assert_eq!(reason(&text(&encoder.finish().unwrap())), "zlib_invalid");
}

#[test]
fn t_04_raw_deflate_is_not_zlib() {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(&good().payload()).unwrap();
    assert_eq!(reason(&text(&encoder.finish().unwrap())), "zlib_invalid");
}

#[test]
fn t_05_no_preset_dictionary_is_looked_up() {
    let mut stream = zlib(&good().payload(), 6);
    stream[1] = 0xbb;
    assert!(u16::from_be_bytes([stream[0], stream[1]]).is_multiple_of(31) && stream[1] & 0x20 != 0);
    assert_eq!(reason(&text(&stream)), "zlib_invalid");
    stream.splice(2..2, [0, 0, 0, 1]);
    assert_eq!(reason(&text(&stream)), "zlib_invalid");
}

#[test]
fn t_06_unused_bits_must_be_zero() {
    let token = good().token();
    let (last, padding) = token.trim_end_matches('=').split_at(token.trim_end_matches('=').len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let place = alphabet.find(padding).unwrap();
    for other in place + 1..(place / 4 + 1) * 4 {
        let other = &alphabet[other..=other];
        let equals = "=".repeat(token.len() - last.len() - 1);
        assert!(!equals.is_empty(), "this token has unused bits");
        assert_eq!(reason(&format!("{last}{other}{equals}")), "base64_invalid");
    }
}

#[test]
fn t_07_line_breaks_are_not_skipped() {
    let token = good().token();
    for line_break in ["\n", "\r\n"] {
        let broken = [&token[..76], &token[76..]].join(line_break);
        assert_eq!(reason(&broken), "base64_invalid");
        assert_eq!(reason(&format!("{token}{line_break}")), "base64_invalid");
    }
}

#[test]
fn t_08_padding_belongs_at_the_end() {
    let token = good().token();
    assert_eq!(reason(&format!("{}=={}", &token[..57], &token[57..])), "base64_invalid");
}

#[test]
fn t_09_only_one_spelling_of_the_version_counts() {
    let token = good().token();
    for version in ["006", "008", "07", "0007", "００7", " 007", "007 ", "OO7", "-07", ""] {
        let refused = reason(&format!("{version}{}", &token[3..]));
        assert!(["version_unsupported", "base64_invalid"].contains(&refused), "{version:?}: {refused}");
    }
}

#[test]
fn t_10_an_older_token_is_refused_until_006_is_switched_on() {
    let issue = Issue { ts: T0 as u32 - 10, salt: 12_345_678 };
    let until = T0 as u32 + 3600;
    let token = legacy::build_token_with_uid(issue, app(A), &primary(), CHANNEL, 1001, Role::Publisher, until).unwrap();
    assert_eq!(reason(&token), "version_unsupported");

    let policy = Policy { allow_006: true, ..Policy::default() };
    let access = join_under(&token, CHANNEL, "1001", T0, &policy).unwrap();
    assert_eq!((access.join_until, access.exact_uid), (T0 + 3600, true));
    let wrong = |channel, uid| join_under(&token, channel, uid, T0, &policy).unwrap_err().reason();
    assert_eq!(wrong("room-2", "1001"), "channel_mismatch");
    assert_eq!(wrong(CHANNEL, "1002"), "uid_mismatch");
    assert_eq!(wrong(CHANNEL, ""), "uid_mismatch");
    assert_eq!(wrong("*", "1001"), "invalid_channel");
}

#[test]
fn t_11_a_jwt_is_no_token() {
    let jwt = |header: &str| format!("{}.{}.", STANDARD.encode(header), STANDARD.encode(r#"{"sub":"1001"}"#));
    for token in [jwt(r#"{"alg":"none"}"#), jwt(r#"{"alg":"RS256"}"#)] {
        assert_eq!(reason(&token), "version_unsupported");
    }
}

#[test]
fn t_12_a_stripped_signature_is_refused() {
    assert_eq!(reason(&text(&zlib(&good().signed_with(&[]), 6))), "bad_signature");
}

#[test]
fn t_13_a_signature_with_a_byte_added_is_refused() {
    let longer = [good().signature().as_slice(), &[0]].concat();
    assert_eq!(reason(&text(&zlib(&good().signed_with(&longer), 6))), "bad_signature");
}

#[test]
fn t_14_a_signature_of_zeros_is_refused() {
    assert_eq!(reason(&text(&zlib(&good().signed_with(&[0; 32]), 6))), "bad_signature");
}

#[test]
fn t_15_the_key_must_be_derived() {
    let signature = hmac(A.primary.as_bytes(), &good().body());
    assert_eq!(reason(&text(&zlib(&good().signed_with(&signature), 6))), "bad_signature");
}

#[test]
fn t_16_weaker_hashes_are_refused_by_their_length() {
    for length in [16, 20, 31] {
        assert_eq!(reason(&text(&zlib(&good().signed_with(&good().signature()[..length]), 6))), "bad_signature");
    }
}

#[test]
fn t_17_an_empty_certificate_signs_nothing() {
    let token = Raw { certificate: String::new(), ..good() }.token();
    assert_eq!(reason(&token), "bad_signature");
    let none = Project { certificates: &[], disabled: false };
    let limits = Limits::default();
    for token in [token, good().token()] {
        let refused = verify(&token, |_| Some(none), request(CHANNEL, "1001"), T0, limits, &Policy::default());
        assert_eq!(refused.unwrap_err().reason(), "bad_signature");
    }
}

#[test]
fn t_18_the_public_app_id_signs_nothing() {
    assert_eq!(reason(&Raw { certificate: A.id.to_owned(), ..good() }.token()), "bad_signature");
}

#[test]
fn t_19_a_certificate_in_other_letter_case_is_another() {
    assert_eq!(reason(&Raw { certificate: A.primary.to_uppercase(), ..good() }.token()), "bad_signature");
}

/// Timings of other work on this machine can look like a leak once. A leak is one every time.
#[test]
fn t_20_how_long_a_wrong_signature_takes_does_not_tell_where_it_is_wrong() {
    let wrong_at = |at: usize| {
        let mut signature = good().signature();
        signature[at] ^= 1;
        // Stored, so that inflating costs the same for both.
        text(&zlib(&good().signed_with(&signature), 0))
    };
    let (first, last) = (wrong_at(0), wrong_at(31));
    let mut seen = Vec::new();
    for _ in 0..5 {
        let t = welch_t(&interleaved_times(&first, &last, 100_000)).abs();
        if t < 4.5 {
            return;
        }
        seen.push(t);
    }
    panic!("it tells: {seen:?}");
}

/// How long each of two tokens takes to be refused, in nanoseconds.
#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
fn interleaved_times(one: &str, other: &str, times: usize) -> [Vec<f64>; 2] {
    let certificates = [primary()];
    let project = Project { certificates: &certificates, disabled: false };
    let mut verifier = Verifier::new(Limits::default());
    let mut taken = [Vec::with_capacity(times), Vec::with_capacity(times)];
    for round in 0..2 * times {
        // Neither class always comes after the other.
        let class = (round ^ (round >> 1)) & 1;
        let token = [one, other][class];
        let start = std::time::Instant::now();
        let refused = verifier.verify(token, |_| Some(project), request(CHANNEL, "1001"), T0, &Policy::default());
        taken[class].push(start.elapsed().as_nanos() as f64);
        assert_eq!(refused, Err(TokenError::BadSignature));
    }
    // What the machine did in between is in the slowest tenth.
    taken.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times.truncate(times.len() * 9 / 10);
        times
    })
}

fn welch_t([one, other]: &[Vec<f64>; 2]) -> f64 {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let spread = |values: &[f64]| {
        let middle = mean(values);
        let squares = values.iter().map(|value| (value - middle).powi(2)).sum::<f64>();
        squares / (values.len() - 1) as f64 / values.len() as f64
    };
    (mean(one) - mean(other)) / (spread(one) + spread(other)).sqrt()
}

#[test]
fn t_21_a_channel_that_overruns_is_truncated() {
    let mut services = vec![1, 0, 0, 0];
    services.extend_from_slice(&[0xff, 0xff]);
    services.extend_from_slice(b"room-1");
    assert_eq!(reason(&Raw { services, count: 1, ..good() }.token()), "truncated");
}

#[test]
fn t_22_a_count_that_lies_is_truncated() {
    let used = allocation_counter::measure(|| {
        assert_eq!(reason(&Raw { count: 65_535, ..good() }.token()), "truncated");
    });
    assert!(used.bytes_max < 512 * 1024, "nothing is reserved for what is only claimed: {used:?}");
}

#[test]
fn t_23_very_many_services_cost_no_more_than_their_bytes() {
    let one = rtc("x", "", &[(1, 3600)]);
    let services = [one.repeat(1999), rtc(CHANNEL, "1001", &EVERYTHING)].concat();
    let token = Raw { services, count: 2000, ..good() }.token_at(9);
    assert!(token.len() <= 4096, "{}", token.len());
    let used = allocation_counter::measure(|| assert!(join(&token, CHANNEL, "1001").unwrap().video_until.is_some()));
    assert!(used.bytes_max <= 256 * 1024, "{used:?}");
}

#[test]
fn t_24_nothing_behind_an_unknown_service_counts() {
    for unknown in [0_u16, 11, 999, 65_535] {
        let services = [unknown.to_le_bytes().to_vec(), rtc(CHANNEL, "1001", &EVERYTHING)].concat();
        let refused = join(&Raw { services, count: 2, ..good() }.token(), CHANNEL, "1001").unwrap_err();
        assert_eq!(refused.reason(), "service_missing");
        assert!(refused.to_string().contains(&unknown.to_string()), "{refused}");
    }
}

#[test]
fn t_25_an_unknown_service_behind_leaves_what_came_before() {
    let services = [rtc(CHANNEL, "1001", &EVERYTHING), vec![0xe7, 3, 1, 2, 3, 4, 5, 6, 7, 8]].concat();
    let access = join(&Raw { services, count: 2, ..good() }.token(), CHANNEL, "1001").unwrap();
    assert_eq!(access.join_until, T0 + 3590);
}

#[test]
fn t_26_privileges_of_two_services_are_not_added() {
    let services = [rtc(CHANNEL, "1001", &[(1, 3600)]), rtc("room-2", "1001", &[(1, 3600), (2, 3600), (3, 3600)])];
    let token = Raw { services: services.concat(), count: 2, ..good() }.token();
    assert_eq!(join(&token, CHANNEL, "1001").unwrap().video_until, None);
    assert!(join(&token, "room-2", "1001").unwrap().video_until.is_some());
    let video = RtcPrivilege::PublishVideo;
    let claims = Unverified::decode(&token, Limits::default()).unwrap().verify(&[primary()]).unwrap();
    let kind = ServiceKind::Rtc;
    let refused = claims.access(T0, kind, CHANNEL, UidRequest::Text("1001"), video, &Policy::default());
    assert_eq!(refused.unwrap_err().reason(), "privilege_missing");
}

#[test]
fn t_27_a_privilege_stands_once() {
    for map in [[(1, 3600), (2, 10), (2, 3600)], [(2, 3600), (1, 3600), (2, 10)]] {
        assert_eq!(reason(&of(rtc(CHANNEL, "1001", &map)).token()), "duplicate_privilege");
    }
}

#[test]
fn t_28_bytes_behind_the_last_service_are_refused() {
    let services = [good().services, vec![0]].concat();
    assert_eq!(reason(&of(services).token()), "trailing_bytes");
}

#[test]
fn t_29_other_products_do_not_join() {
    let user = |kind: u8| [vec![kind, 0], privileges(&[(1, 3600), (2, 3600)]), string("1001")].concat();
    let placed =
        |kind: u8| [vec![kind, 0], privileges(&[(1, 3600), (2, 3600)]), string(CHANNEL), string("1001")].concat();
    for service in [user(2), user(5), placed(3), placed(6)] {
        assert_eq!(reason(&of(service).token()), "service_missing");
    }
}

#[test]
fn t_30_another_projects_token_is_refused() {
    let token = Raw { app_id: B.id.into(), certificate: B.primary.into(), ..good() }.token();
    assert_eq!(reason(&token), "app_id_mismatch");
}

#[test]
fn t_31_an_app_id_in_other_letter_case_is_another() {
    assert_eq!(reason(&Raw { app_id: A.id.to_uppercase(), ..good() }.token()), "app_id_mismatch");
}

#[test]
fn t_32_an_app_id_of_another_shape_is_refused() {
    let shapes = [&A.id[..31], &format!("{}0", A.id), "", &"a".repeat(300), "../../etc/passwd", &"g".repeat(32)];
    for shape in shapes {
        assert_eq!(reason(&Raw { app_id: shape.to_owned(), ..good() }.token()), "app_id_invalid", "{shape}");
    }
}

#[test]
fn t_33_every_current_certificate_counts() {
    let access = join(&Raw { certificate: A.secondary.into(), ..good() }.token(), CHANNEL, "1001").unwrap();
    assert_eq!(access.certificate_index, 1);
    assert_eq!(join(&good().token(), CHANNEL, "1001").unwrap().certificate_index, 0);
    assert_eq!(reason(&Raw { certificate: RETIRED.into(), ..good() }.token()), "bad_signature");
}

#[test]
fn t_34_a_disabled_project_admits_nobody() {
    let token = Raw { app_id: D.id.into(), certificate: D.primary.into(), ..good() }.token();
    let certificates = [AppCertificate::parse(D.primary).unwrap()];
    let project = Project { certificates: &certificates, disabled: true };
    let limits = Limits::default();
    let refused = verify(&token, |_| Some(project), request(CHANNEL, "1001"), T0, limits, &Policy::default());
    assert_eq!(refused.unwrap_err().reason(), "project_disabled");
}

#[test]
fn t_35_another_channel_is_refused_without_naming_the_right_one() {
    let refused = join(&good().token(), "room-2", "1001").unwrap_err();
    assert_eq!(refused.reason(), "channel_mismatch");
    assert!(refused.to_string().contains("room-2") && !refused.to_string().contains(CHANNEL), "{refused}");
}

#[test]
fn t_36_nothing_is_trimmed() {
    let token = of(rtc("room-1 ", "1001", &EVERYTHING)).token();
    assert_eq!(reason(&token), "channel_mismatch");
    assert_eq!(join(&good().token(), "room-1 ", "1001").unwrap_err().reason(), "channel_mismatch");
}

#[test]
fn t_37_invisible_characters_make_no_channel() {
    for channel in ["room-1\u{200b}", "\u{feff}room-1", "room-1\u{202e}"] {
        let token = of(rtc(channel, "1001", &EVERYTHING)).token();
        assert_eq!(join(&token, channel, "1001").unwrap_err().reason(), "invalid_channel");
        assert_eq!(reason(&token), "channel_mismatch");
    }
}

#[test]
fn t_38_a_zero_byte_ends_nothing() {
    let token = of(rtc("room-1\0x", "1001", &EVERYTHING)).token();
    assert_eq!(reason(&token), "channel_mismatch");
    assert_eq!(join(&token, "room-1\0x", "1001").unwrap_err().reason(), "invalid_channel");
}

#[test]
fn t_39_overlong_utf_8_is_refused_on_both_sides() {
    let channel = b"room\xc0\xaf1";
    let service = [vec![1, 0], privileges(&EVERYTHING), prefixed(channel), string("1001")].concat();
    let token = of(service).token();
    assert_eq!(join(&token, &String::from_utf8_lossy(channel), "1001").unwrap_err().reason(), "invalid_channel");
    assert_eq!(reason(&token), "not_utf8");
}

#[test]
fn t_40_an_empty_channel_is_not_any() {
    let token = of(rtc("", "1001", &EVERYTHING)).token();
    assert_eq!(join_under(&token, CHANNEL, "1001", T0, &star()).unwrap_err().reason(), "channel_mismatch");
    assert_eq!(join_under(&token, "", "1001", T0, &star()).unwrap_err().reason(), "invalid_channel");
}

#[test]
fn t_41_a_wildcard_counts_only_where_it_is_switched_on() {
    let token = of(rtc("*", "1001", &EVERYTHING)).token();
    assert_eq!(reason(&token), "wildcard_not_allowed");
    assert!(join_under(&token, CHANNEL, "1001", T0, &star()).unwrap().wildcard_channel);
    assert_eq!(join_under(&token, "*", "1001", T0, &star()).unwrap_err().reason(), "invalid_channel");
}

#[test]
fn t_42_both_wildcards_together_are_never_taken() {
    let token = of(rtc("*", "", &EVERYTHING)).token();
    for policy in [star(), Policy::default()] {
        assert_eq!(join_under(&token, CHANNEL, "1001", T0, &policy).unwrap_err().reason(), "wildcard_not_allowed");
    }
}

#[test]
fn t_43_another_uid_is_refused_without_naming_the_right_one() {
    let refused = join(&good().token(), CHANNEL, "1002").unwrap_err();
    assert_eq!(refused.reason(), "uid_mismatch");
    assert!(refused.to_string().contains("1002") && !refused.to_string().contains("1001"), "{refused}");
}

#[test]
fn t_44_one_spelling_of_a_uid_counts() {
    for uid in ["01001", "+1001", " 1001", "1001 ", "1001.0", "1e3", "0x3e9", "１００１", "0"] {
        assert_eq!(reason(&of(rtc(CHANNEL, uid, &EVERYTHING)).token()), "uid_mismatch", "{uid}");
    }
}

#[test]
fn t_45_an_account_that_is_a_number_is_that_uid() {
    let by_uid = good().token();
    let by_account = of(rtc(CHANNEL, "1001", &EVERYTHING)).token();
    assert_eq!(join(&by_uid, CHANNEL, "1001"), join(&by_account, CHANNEL, "1001"));
}

#[test]
fn t_46_an_any_uid_token_says_that_it_is_one() {
    let any = of(rtc(CHANNEL, "", &EVERYTHING)).token();
    let access = join(&any, CHANNEL, "1001").unwrap();
    assert_eq!((access.uid.as_str(), access.exact_uid), ("", false));
    let access = join(&good().token(), CHANNEL, "").unwrap();
    assert_eq!((access.uid.as_str(), access.exact_uid), ("1001", true));
}

#[test]
fn t_47_expired_by_one_second_is_expired() {
    let token = |expire| Raw { issue: T0 as u32 - 3600, expire, ..good() }.token();
    assert_eq!(join(&token(3599), CHANNEL, "1001"), Err(TokenError::Expired { ago_s: 1 }));
    assert_eq!(join(&token(3600), CHANNEL, "1001"), Err(TokenError::Expired { ago_s: 0 }));
    // The privileges of the good token would be over; with no end of their own the token's counts.
    let alive = Raw { services: rtc(CHANNEL, "1001", &[(1, 0)]), issue: T0 as u32 - 3600, expire: 3601, ..good() };
    assert_eq!(join(&alive.token(), CHANNEL, "1001").unwrap().join_until, T0 + 1);
}

#[test]
fn t_48_a_life_of_zero_is_not_for_ever() {
    assert_eq!(reason(&Raw { expire: 0, ..good() }.token()), "expired");
}

#[test]
fn t_49_times_at_their_maximum_do_not_wrap() {
    let token = Raw { issue: u32::MAX, expire: u32::MAX, ..good() }.token();
    assert_eq!(join(&token, CHANNEL, "1001").unwrap_err().reason(), "not_yet_valid");
    let late = join_under(&token, CHANNEL, "1001", u64::MAX, &Policy::default()).unwrap_err();
    assert_eq!(late.reason(), "expired");
    let then = u64::from(u32::MAX);
    let meanwhile = join_under(&token, CHANNEL, "1001", then, &Policy::default()).unwrap_err();
    assert_eq!(meanwhile.reason(), "lifetime_too_long");
}

#[test]
fn t_50_a_life_over_a_day_is_too_long() {
    assert_eq!(reason(&Raw { issue: T0 as u32 - 86_400, expire: 172_800, ..good() }.token()), "lifetime_too_long");
    assert_eq!(reason(&Raw { issue: T0 as u32 - 10, expire: 86_401, ..good() }.token()), "lifetime_too_long");
}

#[test]
fn t_51_no_token_is_honoured_for_more_than_a_day() {
    assert_eq!(reason(&Raw { issue: T0 as u32, expire: u32::MAX, ..good() }.token()), "lifetime_too_long");
    let ahead = Raw { issue: T0 as u32 + 60, expire: 86_400, services: rtc(CHANNEL, "1001", &[(1, 0)]), ..good() };
    let access = join(&ahead.token(), CHANNEL, "1001").unwrap();
    assert_eq!((access.ends_at, access.join_until), (T0 + 86_400, T0 + 86_400));
    let further = Raw { issue: T0 as u32 + 61, ..ahead };
    assert_eq!(join(&further.token(), CHANNEL, "1001"), Err(TokenError::NotYetValid { ahead_s: 61 }));
}

#[test]
fn t_52_a_privilege_never_outlives_its_token() {
    let service = rtc(CHANNEL, "1001", &[(1, 3600), (2, u32::MAX)]);
    let token = Raw { issue: T0 as u32, expire: 60, services: service, ..good() }.token();
    let access = join(&token, CHANNEL, "1001").unwrap();
    assert_eq!((access.ends_at, access.join_until, access.audio_until), (T0 + 60, T0 + 60, Some(T0 + 60)));
    assert_eq!(join_under(&token, CHANNEL, "1001", T0 + 60, &Policy::default()).unwrap_err().reason(), "expired");
}

#[test]
fn t_53_a_lapsed_right_to_join_is_not_saved_by_another() {
    let token = of(rtc(CHANNEL, "1001", &[(1, 5), (2, 3600)])).token();
    let refused = join(&token, CHANNEL, "1001").unwrap_err();
    assert_eq!(refused, TokenError::PrivilegeExpired { privilege: 1, ago_s: 5 });
}

#[test]
fn publishing_needs_the_right_to_join_in_the_same_service() {
    let audio = |map: &[(u16, u32)]| {
        let token = of(rtc(CHANNEL, "1001", map)).token();
        let claims = Unverified::decode(&token, Limits::default()).unwrap().verify(&[primary()]).unwrap();
        let (kind, privilege) = (ServiceKind::Rtc, RtcPrivilege::PublishAudio);
        let access = claims.access(T0, kind, CHANNEL, UidRequest::Text("1001"), privilege, &Policy::default());
        access.map(|access| access.until)
    };
    assert_eq!(audio(&[(1, 3600), (2, 600)]), Ok(T0 + 590));
    assert_eq!(audio(&[(2, 600)]).unwrap_err().reason(), "privilege_missing");
    assert_eq!(audio(&[(1, 5), (2, 600)]).unwrap_err().reason(), "privilege_expired");
}

#[test]
fn of_several_services_that_fit_the_one_that_allows_most_counts() {
    let services =
        [rtc(CHANNEL, "1001", &[(1, 3600)]), rtc(CHANNEL, "", &EVERYTHING), rtc(CHANNEL, "1001", &EVERYTHING)];
    let joined = |picked: &[usize]| {
        let chosen: Vec<u8> = picked.iter().flat_map(|&index| services[index].clone()).collect();
        let count = picked.len() as u16;
        let access = join(&Raw { services: chosen, count, ..good() }.token(), CHANNEL, "1001").unwrap();
        (access.exact_uid, access.video_until.is_some())
    };
    assert_eq!(joined(&[0, 1]), (false, true));
    assert_eq!(joined(&[0, 1, 2]), (true, true));
    assert_eq!(joined(&[0]), (true, false));
}

#[test]
fn t_54_every_spelling_of_a_token_is_one_token() {
    let ids: Vec<_> = [0, 1, 6, 9].map(|level| join(&good().token_at(level), CHANNEL, "1001").unwrap().token_id).into();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(ids[0].as_bytes(), &good().signature());
    let another = Raw { salt: 2, ..good() }.token();
    assert_ne!(join(&another, CHANNEL, "1001").unwrap().token_id, ids[0]);
}

#[test]
fn t_57_every_cut_and_every_flipped_byte_is_refused_without_a_panic() {
    let token = good().token();
    for end in 0..token.len() {
        assert!(join(&token[..end], CHANNEL, "1001").is_err(), "cut at {end}");
    }
    for at in 0..token.len() {
        for byte in (0..=127_u8).filter(|&byte| byte != token.as_bytes()[at]) {
            let mut changed = token.clone().into_bytes();
            changed[at] = byte;
            let changed = String::from_utf8(changed).unwrap();
            // The compressor's choices are not signed: another spelling of the same bytes is the same token.
            if let Ok(access) = join(&changed, CHANNEL, "1001") {
                assert_eq!(access.token_id.as_bytes(), &good().signature());
            }
        }
    }
}

/// A token that need not make sense, signed as it should be.
#[derive(Clone)]
struct Raw {
    app_id: String,
    certificate: String,
    issue: u32,
    expire: u32,
    salt: u32,
    count: u16,
    services: Vec<u8>,
}

/// The catalogue's good token.
fn good() -> Raw {
    Raw {
        app_id: A.id.to_owned(),
        certificate: A.primary.to_owned(),
        issue: T0 as u32 - 10,
        expire: 3600,
        salt: 12_345_678,
        count: 1,
        services: rtc(CHANNEL, "1001", &EVERYTHING),
    }
}

/// The good token with another service.
fn of(services: Vec<u8>) -> Raw {
    Raw { services, ..good() }
}

impl Raw {
    fn token(&self) -> String {
        self.token_at(6)
    }

    fn token_at(&self, level: u32) -> String {
        text(&zlib(&self.payload(), level))
    }

    fn payload(&self) -> Vec<u8> {
        self.signed_with(&self.signature())
    }

    fn signed_with(&self, signature: &[u8]) -> Vec<u8> {
        [prefixed(signature), self.body()].concat()
    }

    fn signature(&self) -> [u8; 32] {
        let first = hmac(&self.issue.to_le_bytes(), self.certificate.as_bytes());
        let second = hmac(&self.salt.to_le_bytes(), &first);
        hmac(&second, &self.body())
    }

    fn body(&self) -> Vec<u8> {
        let numbers = [self.issue, self.expire, self.salt].map(u32::to_le_bytes).concat();
        [string(&self.app_id), numbers, self.count.to_le_bytes().to_vec(), self.services.clone()].concat()
    }
}

fn rtc(channel: &str, uid: &str, map: &[(u16, u32)]) -> Vec<u8> {
    [vec![1, 0], privileges(map), string(channel), string(uid)].concat()
}

fn privileges(map: &[(u16, u32)]) -> Vec<u8> {
    let mut bytes = (map.len() as u16).to_le_bytes().to_vec();
    for (id, life) in map {
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&life.to_le_bytes());
    }
    bytes
}

fn string(text: &str) -> Vec<u8> {
    prefixed(text.as_bytes())
}

fn prefixed(bytes: &[u8]) -> Vec<u8> {
    [(bytes.len() as u16).to_le_bytes().as_slice(), bytes].concat()
}

fn zlib(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn text(stream: &[u8]) -> String {
    format!("007{}", STANDARD.encode(stream))
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Why user 1001 is refused in room-1 with this token.
fn reason(token: &str) -> &'static str {
    join(token, CHANNEL, "1001").unwrap_err().reason()
}

fn join(token: &str, channel: &str, uid: &str) -> Result<RtcAccess, TokenError> {
    join_under(token, channel, uid, T0, &Policy::default())
}

fn join_under(token: &str, channel: &str, uid: &str, now: u64, policy: &Policy) -> Result<RtcAccess, TokenError> {
    let certificates = [primary(), AppCertificate::parse(A.secondary).unwrap()];
    let project = Project { certificates: &certificates, disabled: false };
    let lookup = |id: &AppId| (*id == app(A)).then_some(project);
    let answer = verify(token, lookup, request(channel, uid), now, Limits::default(), policy);
    let mut verifier = Verifier::new(Limits::default());
    for _ in 0..2 {
        assert_eq!(verifier.verify(token, lookup, request(channel, uid), now, policy), answer);
    }
    answer
}

fn lookup(_: &AppId) -> Option<Project<'static>> {
    None
}

fn request<'a>(channel: &'a str, uid: &'a str) -> JoinRequest<'a> {
    JoinRequest { channel, uid: UidRequest::Text(uid) }
}

fn star() -> Policy {
    Policy { wildcards: Wildcards::Star, ..Policy::default() }
}

fn app(fixture: Fixture) -> AppId {
    AppId::parse(fixture.id).unwrap()
}

fn primary() -> AppCertificate {
    AppCertificate::parse(A.primary).unwrap()
}

#[derive(Clone, Copy)]
struct Fixture {
    id: &'static str,
    primary: &'static str,
    secondary: &'static str,
}

const A: Fixture = Fixture {
    id: "eaa2d524f79f8ac632252761b8a02751",
    primary: "e0041b8f0f1439e741487dc3a62ea4cb",
    secondary: "c820e6f6d0f2e26d29655d4e6f474dda",
};
const B: Fixture =
    Fixture { id: "4210f8b8acb2688dd1ee490aeb035c3d", primary: "3dcb606bd1196c6d617f36950b5d91e7", secondary: "" };
const D: Fixture =
    Fixture { id: "243f7eea916dbd6126fb4eddb945d297", primary: "8062a0733fe078fb8a27ce86295e2f35", secondary: "" };
const RETIRED: &str = "16e2b7aff33cf24557e8925e42dac882";
const CHANNEL: &str = "room-1";
const T0: u64 = 1_800_000_000;
const EVERYTHING: [(u16, u32); 4] = [(1, 3600), (2, 3600), (3, 3600), (4, 3600)];
