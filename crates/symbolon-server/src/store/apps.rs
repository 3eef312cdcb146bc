//! The apps of the store, and the steps of a rotation.
//!
//! Certificates stand in the file in clear, because tokens are signed with them: the file is for its owner only. Of a
//! certificate that has been retired only a hash is left, so that it is never taken again.

use sqlx::{Connection, SqliteConnection};
use symbolon_token::{AppCertificate, AppId, CertificateId, Wildcards};

use super::{Result, Store, StoreError, unix_now};
use crate::app::{App, Retired, fingerprint};

/// An app of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApp {
    /// The app.
    pub app: App,
    /// When it was added, in Unix seconds.
    pub created: i64,
    /// What its secondary certificate is for, if it has one.
    pub secondary_is: Option<Secondary>,
}

/// What is to be another way with an app. What is absent stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AppChange {
    /// Which channel wildcards its tokens may use.
    pub wildcards: Option<Wildcards>,
    /// Whether tokens of the older 006 format are taken.
    pub accept_006: Option<bool>,
    /// Whether publishing needs the publish privileges.
    pub publish_privileges: Option<bool>,
}

/// Where a rotation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secondary {
    /// It has been added, and signs once it is promoted.
    Next,
    /// It signed until the other was promoted.
    Previous,
}

/// What a step of a rotation did, by the fingerprints of the certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// A second certificate is taken now.
    Added(String),
    /// It had been added before.
    AddedBefore(String),
    /// This one signs now.
    Promoted(String),
    /// It did already.
    PromotedBefore(String),
    /// This one verifies nothing any more.
    Retired(String),
    /// There was none left to retire.
    RetiredBefore,
}

/// Why an app is not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such app.
    #[error("the store has no app {0}; `symbolon app list` shows which it has")]
    Unknown(AppId),
    /// There is one already.
    #[error("the store has an app {0} already; `symbolon app rotate` changes its certificate")]
    Exists(AppId),
    /// The certificate is, or was, one of an app.
    #[error("that certificate is in use or has been retired; draw a new one")]
    Used,
    /// There is nothing to promote.
    #[error("app {0} has one certificate only; begin with `symbolon app rotate {0} --add`")]
    NothingToPromote(AppId),
    /// The secondary has not been promoted.
    #[error(
        "the secondary certificate of app {0} has not been promoted, and would be lost; first \
         `symbolon app rotate {0} --promote`"
    )]
    NotPromoted(AppId),
    /// The last rotation is still under way.
    #[error("a rotation of app {0} is under way; end it with `symbolon app rotate {0} --retire`")]
    UnderWay(AppId),
}

impl Store {
    /// All apps, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn apps(&self) -> Result<Vec<StoredApp>> {
        let mut connection = self.connect().await?;
        let apps = self.read_apps(&mut connection).await?;
        self.close(connection).await?;
        Ok(apps)
    }

    /// Adds an app.
    ///
    /// # Errors
    /// When there is one with this id, or its certificate is in use elsewhere.
    pub async fn add_app(&self, app: &App) -> Result<(), AppError> {
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|problem| self.failed(problem))?;
        let apps = self.read_apps(&mut transaction).await?;
        if apps.iter().any(|stored| stored.app.id == app.id) {
            return Err(AppError::Exists(app.id));
        }
        self.check_unused(&mut transaction, &apps, &app.certificate).await?;
        sqlx::query(
            "INSERT INTO app (id, name, certificate, wildcards, accept_006, publish_privileges, created)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(app.id.as_str())
        .bind(&app.name)
        .bind(app.certificate.dangerous_secret())
        .bind(app.wildcards == Wildcards::Star)
        .bind(app.accept_006)
        .bind(app.publish_privileges)
        .bind(unix_now())
        .execute(&mut *transaction)
        .await
        .map_err(|problem| self.failed(problem))?;
        transaction.commit().await.map_err(|problem| self.failed(problem))?;
        Ok(self.close(connection).await?)
    }

    /// Changes what an app's tokens may do.
    ///
    /// # Errors
    /// When there is no such app.
    pub async fn change_app(&self, id: &AppId, change: AppChange) -> Result<App, AppError> {
        let mut connection = self.connect().await?;
        sqlx::query(
            "UPDATE app SET wildcards = coalesce(?2, wildcards), accept_006 = coalesce(?3, accept_006),
                publish_privileges = coalesce(?4, publish_privileges)
             WHERE id = ?1",
        )
        .bind(id.as_str())
        .bind(change.wildcards.map(|wildcards| wildcards == Wildcards::Star))
        .bind(change.accept_006)
        .bind(change.publish_privileges)
        .execute(&mut connection)
        .await
        .map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(self.app(id).await?.app)
    }

    /// Enables an app. Tells whether that changed anything.
    ///
    /// # Errors
    /// When there is no such app.
    pub async fn enable_app(&self, id: &AppId) -> Result<bool, AppError> {
        self.set_enabled(id, "UPDATE app SET enabled = 1, disabling_ends_sessions = 0 WHERE id = ?1").await
    }

    /// Disables an app, and where asked ends its sessions. Tells whether that changed anything.
    ///
    /// # Errors
    /// When there is no such app.
    pub async fn disable_app(&self, id: &AppId, end_sessions: bool) -> Result<bool, AppError> {
        let update = if end_sessions {
            "UPDATE app SET enabled = 0, disabling_ends_sessions = 1 WHERE id = ?1"
        } else {
            "UPDATE app SET enabled = 0 WHERE id = ?1"
        };
        self.set_enabled(id, update).await
    }

    async fn set_enabled(&self, id: &AppId, update: &'static str) -> Result<bool, AppError> {
        let before = self.app(id).await?.app;
        let mut connection = self.connect().await?;
        sqlx::query(update).bind(id.as_str()).execute(&mut connection).await.map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(before != self.app(id).await?.app)
    }

    /// The first step of a rotation: this certificate is taken from now on, and does not sign yet.
    ///
    /// # Errors
    /// When there is no such app, the certificate is in use, or the last rotation has not ended.
    pub async fn add_secondary(&self, id: &AppId, certificate: &AppCertificate) -> Result<Rotated, AppError> {
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|problem| self.failed(problem))?;
        let apps = self.read_apps(&mut transaction).await?;
        let stored = find(&apps, id)?;
        match (&stored.app.secondary, stored.secondary_is) {
            (Some(there), Some(Secondary::Next)) => return Ok(Rotated::AddedBefore(fingerprint(there))),
            (Some(_), _) => return Err(AppError::UnderWay(*id)),
            (None, _) => {}
        }
        self.check_unused(&mut transaction, &apps, certificate).await?;
        sqlx::query("UPDATE app SET secondary = ?2, secondary_is = 'next' WHERE id = ?1")
            .bind(id.as_str())
            .bind(certificate.dangerous_secret())
            .execute(&mut *transaction)
            .await
            .map_err(|problem| self.failed(problem))?;
        transaction.commit().await.map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(Rotated::Added(fingerprint(certificate)))
    }

    /// The second step: the secondary certificate signs, and the one that signed is taken still.
    ///
    /// # Errors
    /// When there is no such app, or no secondary certificate.
    pub async fn promote_secondary(&self, id: &AppId) -> Result<Rotated, AppError> {
        let stored = self.app(id).await?;
        match (&stored.app.secondary, stored.secondary_is) {
            (None, _) => return Err(AppError::NothingToPromote(*id)),
            (Some(_), Some(Secondary::Previous)) => {
                return Ok(Rotated::PromotedBefore(fingerprint(&stored.app.certificate)));
            }
            (Some(_), _) => {}
        }
        let mut connection = self.connect().await?;
        // The condition keeps two who promote at once from swapping twice.
        sqlx::query(
            "UPDATE app SET certificate = secondary, secondary = certificate, secondary_is = 'previous'
             WHERE id = ?1 AND secondary_is = 'next'",
        )
        .bind(id.as_str())
        .execute(&mut connection)
        .await
        .map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(Rotated::Promoted(fingerprint(&self.app(id).await?.app.certificate)))
    }

    /// The last step: the certificate that signed before is taken no more. Where asked, the sessions end that it, and those
    /// retired before it, let in.
    ///
    /// # Errors
    /// When there is no such app, or its secondary certificate has not been promoted.
    pub async fn retire_secondary(&self, id: &AppId, end_sessions: bool) -> Result<Rotated, AppError> {
        let mut connection = self.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(|problem| self.failed(problem))?;
        let apps = self.read_apps(&mut transaction).await?;
        let stored = find(&apps, id)?;
        let old = match (&stored.app.secondary, stored.secondary_is) {
            (None, _) => None,
            (Some(old), Some(Secondary::Previous)) => Some(old),
            (Some(_), _) => return Err(AppError::NotPromoted(*id)),
        };
        if let Some(old) = old {
            self.retire(&mut transaction, id, old).await?;
        }
        if end_sessions {
            sqlx::query("UPDATE retired_certificate SET ends_sessions = 1 WHERE app = ?1 AND ends_sessions = 0")
                .bind(id.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(|problem| self.failed(problem))?;
        }
        transaction.commit().await.map_err(|problem| self.failed(problem))?;
        self.close(connection).await?;
        Ok(old.map_or(Rotated::RetiredBefore, |old| Rotated::Retired(fingerprint(old))))
    }

    async fn retire(&self, connection: &mut SqliteConnection, id: &AppId, old: &AppCertificate) -> Result<()> {
        sqlx::query("INSERT INTO retired_certificate (hash, app, retired) VALUES (?1, ?2, ?3)")
            .bind(hash(&old.id()))
            .bind(id.as_str())
            .bind(unix_now())
            .execute(&mut *connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        sqlx::query("UPDATE app SET secondary = NULL, secondary_is = NULL WHERE id = ?1")
            .bind(id.as_str())
            .execute(connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        Ok(())
    }

    /// One app.
    ///
    /// # Errors
    /// When there is no such app.
    pub async fn app(&self, id: &AppId) -> Result<StoredApp, AppError> {
        find(&self.apps().await?, id).cloned()
    }

    async fn read_apps(&self, connection: &mut SqliteConnection) -> Result<Vec<StoredApp>> {
        let rows: Vec<Row> =
            sqlx::query_as(ALL_APPS).fetch_all(&mut *connection).await.map_err(|problem| self.failed(problem))?;
        let retired: Vec<(String, String, bool)> =
            sqlx::query_as("SELECT app, hash, ends_sessions FROM retired_certificate ORDER BY retired, rowid")
                .fetch_all(connection)
                .await
                .map_err(|problem| self.failed(problem))?;
        let mut apps = Vec::with_capacity(rows.len());
        for row in rows {
            let of_this = retired.iter().filter(|(app, ..)| *app == row.0);
            let retired = of_this.map(|(_, hash, ends)| Some(Retired { id: id_of(hash)?, ends_sessions: *ends }));
            let stored = retired.collect::<Option<_>>().and_then(|retired| parse(row, retired));
            apps.push(
                stored.ok_or_else(|| StoreError::unreadable(self.path(), "an app in it is not what was written"))?,
            );
        }
        Ok(apps)
    }

    async fn check_unused(
        &self,
        connection: &mut SqliteConnection,
        apps: &[StoredApp],
        certificate: &AppCertificate,
    ) -> Result<(), AppError> {
        let retired: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM retired_certificate WHERE hash = ?1)")
            .bind(hash(&certificate.id()))
            .fetch_one(connection)
            .await
            .map_err(|problem| self.failed(problem))?;
        let in_use = apps.iter().flat_map(|stored| stored.app.certificates()).any(|other| other == certificate);
        if retired || in_use { Err(AppError::Used) } else { Ok(()) }
    }
}

/// id, name, enabled and whether sessions end, certificate, secondary, what that is, wildcards, 006, publish privileges,
/// created.
type Row = (String, Option<String>, bool, bool, String, Option<String>, Option<String>, bool, bool, bool, i64);

fn parse(row: Row, retired: Vec<Retired>) -> Option<StoredApp> {
    let (id, name, enabled, disabling_ends_sessions, certificate, secondary, secondary_is, ..) = row;
    let (.., wildcards, accept_006, publish_privileges, created) = row;
    let certificate = AppCertificate::parse(&certificate).ok()?;
    let secondary = secondary.map(|text| AppCertificate::parse(&text)).transpose().ok()?;
    let secondary_is = match secondary_is.as_deref() {
        None => None,
        Some("next") => Some(Secondary::Next),
        Some("previous") => Some(Secondary::Previous),
        Some(_) => return None,
    };
    let wildcards = if wildcards { Wildcards::Star } else { Wildcards::Off };
    let id = AppId::parse(&id).ok()?;
    let app = App {
        id,
        name,
        enabled,
        disabling_ends_sessions,
        certificate,
        secondary,
        retired,
        wildcards,
        accept_006,
        publish_privileges,
    };
    Some(StoredApp { app, created, secondary_is })
}

/// The whole id of a certificate, as the store has it.
fn hash(id: &CertificateId) -> String {
    id.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn id_of(hash: &str) -> Option<CertificateId> {
    let mut bytes = [0; 32];
    if hash.len() != 2 * bytes.len() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hash.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(CertificateId::from_bytes(bytes))
}

fn find<'a>(apps: &'a [StoredApp], id: &AppId) -> Result<&'a StoredApp, AppError> {
    apps.iter().find(|stored| stored.app.id == *id).ok_or(AppError::Unknown(*id))
}

const ALL_APPS: &str = "
    SELECT id, name, enabled, disabling_ends_sessions, certificate, secondary, secondary_is, wildcards, accept_006,
        publish_privileges, created
    FROM app ORDER BY created, rowid
";

/// The step that makes the tables.
pub(super) const TABLES: &str = "
    CREATE TABLE app (
        id TEXT PRIMARY KEY,
        name TEXT,
        enabled INTEGER NOT NULL DEFAULT 1,
        certificate TEXT NOT NULL,
        secondary TEXT,
        secondary_is TEXT CHECK (secondary_is IN ('next', 'previous')),
        wildcards INTEGER NOT NULL DEFAULT 0,
        accept_006 INTEGER NOT NULL DEFAULT 0,
        publish_privileges INTEGER NOT NULL DEFAULT 1,
        created INTEGER NOT NULL,
        CHECK ((secondary IS NULL) = (secondary_is IS NULL))
    ) STRICT;
    CREATE TABLE retired_certificate (
        hash TEXT PRIMARY KEY,
        app TEXT NOT NULL REFERENCES app (id),
        retired INTEGER NOT NULL
    ) STRICT;
    CREATE TRIGGER app_inserted AFTER INSERT ON app BEGIN UPDATE store SET changes = changes + 1; END;
    CREATE TRIGGER app_updated AFTER UPDATE ON app BEGIN UPDATE store SET changes = changes + 1; END;
    CREATE TRIGGER app_deleted AFTER DELETE ON app BEGIN UPDATE store SET changes = changes + 1; END;
";

/// The step that lets sessions end with what admitted them.
pub(super) const ENDED_SESSIONS: &str = "
    ALTER TABLE app ADD COLUMN disabling_ends_sessions INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE retired_certificate ADD COLUMN ends_sessions INTEGER NOT NULL DEFAULT 0;
    CREATE TRIGGER retired_certificate_updated AFTER UPDATE ON retired_certificate
        BEGIN UPDATE store SET changes = changes + 1; END;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TempFolder;

    const ID: &str = "eaa2d524f79f8ac632252761b8a02751";
    const OTHER: &str = "1aa2d524f79f8ac632252761b8a02752";
    const FIRST: &str = "e0041b8f0f1439e741487dc3a62ea4cb";
    const SECOND: &str = "f0041b8f0f1439e741487dc3a62ea4cc";

    fn certificate(text: &str) -> AppCertificate {
        AppCertificate::parse(text).unwrap()
    }

    fn app(id: &str, text: &str) -> App {
        App::new(AppId::parse(id).unwrap(), certificate(text))
    }

    #[tokio::test]
    async fn a_rotation_goes_forward_only_and_each_step_can_be_repeated() {
        let folder = TempFolder::new();
        let store = Store::open(folder.path()).await.unwrap();
        let app = app(ID, FIRST);
        store.add_app(&app).await.unwrap();
        let id = app.id;
        let (first, second) = (fingerprint(&certificate(FIRST)), fingerprint(&certificate(SECOND)));

        assert!(matches!(store.promote_secondary(&id).await, Err(AppError::NothingToPromote(_))));
        assert!(matches!(store.add_secondary(&id, &certificate(FIRST)).await, Err(AppError::Used)));
        let add = || async { store.add_secondary(&id, &certificate(SECOND)).await };
        assert_eq!(add().await.unwrap(), Rotated::Added(second.clone()));
        assert_eq!(add().await.unwrap(), Rotated::AddedBefore(second.clone()));
        assert!(matches!(store.retire_secondary(&id, true).await, Err(AppError::NotPromoted(_))));
        assert_eq!(store.promote_secondary(&id).await.unwrap(), Rotated::Promoted(second.clone()));
        assert_eq!(store.promote_secondary(&id).await.unwrap(), Rotated::PromotedBefore(second.clone()));
        assert!(matches!(add().await, Err(AppError::UnderWay(_))));
        let between = store.app(&id).await.unwrap();
        assert_eq!(between.app.certificate, certificate(SECOND));
        assert_eq!(between.app.secondary, Some(certificate(FIRST)));
        assert_eq!(store.retire_secondary(&id, false).await.unwrap(), Rotated::Retired(first.clone()));
        assert_eq!(store.retire_secondary(&id, false).await.unwrap(), Rotated::RetiredBefore);

        let after = store.app(&id).await.unwrap();
        assert_eq!((after.app.secondary, after.secondary_is), (None, None));
        let retired = |ends_sessions| vec![Retired { id: certificate(FIRST).id(), ends_sessions }];
        assert_eq!(after.app.retired, retired(false));
        assert_eq!(store.retire_secondary(&id, true).await.unwrap(), Rotated::RetiredBefore);
        assert_eq!(store.app(&id).await.unwrap().app.retired, retired(true));
        assert!(matches!(store.add_secondary(&id, &certificate(FIRST)).await, Err(AppError::Used)));
        assert!(!std::fs::read(store.path()).unwrap().windows(32).any(|window| window == FIRST.as_bytes()));
    }

    #[tokio::test]
    async fn ids_and_certificates_belong_to_one_app() {
        let folder = TempFolder::new();
        let store = Store::open(folder.path()).await.unwrap();
        store.add_app(&app(ID, FIRST)).await.unwrap();
        assert!(matches!(store.add_app(&app(ID, SECOND)).await, Err(AppError::Exists(_))));
        assert!(matches!(store.add_app(&app(OTHER, FIRST)).await, Err(AppError::Used)));
        let other = app(OTHER, SECOND);
        assert!(matches!(store.disable_app(&other.id, false).await, Err(AppError::Unknown(_))));
        store.add_app(&other).await.unwrap();
        assert_eq!(store.apps().await.unwrap().len(), 2);
        for end_sessions in [false, true] {
            assert!(store.disable_app(&other.id, end_sessions).await.unwrap());
            assert!(!store.disable_app(&other.id, false).await.unwrap());
            let app = store.app(&other.id).await.unwrap().app;
            assert_eq!((app.enabled, app.disabling_ends_sessions), (false, end_sessions));
        }
        assert!(store.enable_app(&other.id).await.unwrap());
        assert_eq!(store.app(&other.id).await.unwrap().app, other);
    }
}
