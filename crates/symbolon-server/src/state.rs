//! The state folder: what has to outlive a restart.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use symbolon_token::{AppCertificate, AppId};

use crate::config::App;

/// Why the state folder cannot be used. Nothing in it is ever replaced because it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Something failed at the file system.
    #[error("the state folder {}: {problem}; choose another with SYMBOLON_STATE_DIR", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What failed.
        problem: io::Error,
    },
    /// The file of the development app is not what this program wrote.
    #[error(
        "the file of the development app, {}, is damaged ({problem}); restore it, or delete it to get a new app \
         (tokens of the old one will then be refused)",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, without its contents.
        problem: &'static str,
    },
    /// The system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The development app, as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Stored {
    app_id: String,
    app_certificate: String,
}

/// The app that development mode keeps in this folder: that of the last start, or a new one on the first.
///
/// # Errors
/// When the folder cannot be used, or holds a file that is damaged. A damaged file is left as it is.
pub(crate) fn development_app(folder: &Path) -> Result<App, StateError> {
    let path = folder.join(FILE);
    match fs::read(&path) {
        Ok(bytes) => parse(&bytes).map_err(|problem| StateError::Damaged { path, problem }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &path),
        Err(problem) => Err(StateError::Io { path, problem }),
    }
}

fn parse(bytes: &[u8]) -> Result<App, &'static str> {
    if bytes.is_empty() {
        return Err("it is empty");
    }
    let stored: Stored = serde_json::from_slice(bytes).map_err(|_| "it is not the JSON that was written")?;
    let id = AppId::parse(&stored.app_id).map_err(|_| "its app_id is not 32 hexadecimal digits")?;
    let certificate = AppCertificate::parse(&stored.app_certificate)
        .map_err(|_| "its app_certificate is not 32 hexadecimal digits")?;
    Ok(App::new(id, certificate))
}

fn create(folder: &Path, path: &Path) -> Result<App, StateError> {
    let stored = Stored {
        app_id: random_hex().map_err(StateError::Random)?,
        app_certificate: random_hex().map_err(StateError::Random)?,
    };
    let bytes = serde_json::to_vec_pretty(&stored).expect("two strings are JSON");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |problem| StateError::Io { path, problem }
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
    write_whole(folder, path, &bytes).map_err(failed(path))?;
    // Another process may have been first: what stands in the file counts.
    let written = fs::read(path).map_err(failed(path))?;
    parse(&written).map_err(|problem| StateError::Damaged { path: path.to_owned(), problem })
}

/// Writes a new file so that it is there either whole or not at all, and for this user only. One that is there already
/// stays.
fn write_whole(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!(".{FILE}.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(folder)?.sync_all()
}

fn random_hex() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The file of the development app.
const FILE: &str = "development-app.json";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::TempFolder;

    #[test]
    fn the_second_start_keeps_the_app_of_the_first() {
        let folder = TempFolder::new();
        let nested = folder.path().join("deep/er");
        let first = development_app(&nested).unwrap();
        let second = development_app(&nested).unwrap();
        assert_eq!(first.id, second.id);
        assert_eq!(first.certificate, second.certificate);
        let other = development_app(folder.path()).unwrap();
        assert_ne!(first.id, other.id);
    }

    #[test]
    fn the_file_is_for_its_owner_only_and_nothing_else_is_left() {
        let folder = TempFolder::new();
        development_app(folder.path()).unwrap();
        let mode = fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let folder = TempFolder::new();
        let path = folder.path().join(FILE);
        for damaged in ["", "{", "{}", r#"{"app_id":"x","app_certificate":"y"}"#] {
            fs::write(&path, damaged).unwrap();
            let error = development_app(folder.path()).unwrap_err().to_string();
            assert!(error.contains("is damaged") && error.contains(FILE), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = TempFolder::new();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = development_app(&file.join("state")).unwrap_err().to_string();
        assert!(error.contains("SYMBOLON_STATE_DIR"), "{error}");
    }
}
