//! Weights by name from the Hugging Face hub. The only code that opens a network connection, and only when asked.

use std::path::PathBuf;

use super::NnError;

/// What a file on the hub must be. Who takes over a repository, or the network, cannot put other weights in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pin {
    /// Commit of the repository, 40 hexadecimal digits.
    pub revision: &'static str,
    /// SHA-256 of the file, 64 hexadecimal digits.
    pub sha256: &'static str,
}

/// Path of `file` of the model `repository` ("owner/name") in the local cache, downloaded if it is not there yet. The
/// contents of the file are checked at every call, whether it was downloaded or not.
///
/// `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_TOKEN` are respected; with `HF_HUB_OFFLINE=1` only the cache is
/// read.
///
/// # Errors
/// A file without a pin or with other contents, no such file, no connection, or a program built without the feature `hub`.
pub fn fetch(repository: &str, file: &str, pin: Option<Pin>) -> Result<PathBuf, NnError> {
    let failed = |reason: String| NnError::Hub { repository: repository.into(), file: file.into(), reason };
    if cfg!(not(feature = "hub")) {
        return Err(failed("this program was built without the feature `hub`".into()));
    }
    match pin {
        Some(pin) => download(repository, file, pin).map_err(failed),
        None => Err(failed("not downloaded, because this program knows no revision and hash of it".into())),
    }
}

#[cfg(feature = "hub")]
fn download(repository: &str, file: &str, pin: Pin) -> Result<PathBuf, String> {
    let offline =
        std::env::var("HF_HUB_OFFLINE").is_ok_and(|v| ["1", "true", "yes", "on"].contains(&v.to_lowercase().as_str()));
    let (owner, name) = hf_hub::split_id(repository);
    let client = hf_hub::HFClientSync::new().map_err(|e| e.to_string())?;
    let request = client.model(owner, name).download_file().filename(file).revision(pin.revision);
    let path = request.local_files_only(offline).send().map_err(|e| match offline {
        true => format!("HF_HUB_OFFLINE is set and the file is not in the local cache ({e})"),
        false => e.to_string(),
    })?;
    check(&path, pin)?;
    Ok(path)
}

/// Refuses a file of other contents.
#[cfg(feature = "hub")]
fn check(path: &std::path::Path, pin: Pin) -> Result<(), String> {
    use sha2::{Digest, Sha256};
    let bytes = crate::data::file::read_file(path).map_err(|e| e.to_string())?;
    let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    match found == pin.sha256 {
        true => Ok(()),
        false => Err(format!("{} has the SHA-256 {found}, expected {}; remove it", path.display(), pin.sha256)),
    }
}

#[cfg(not(feature = "hub"))]
fn download(_: &str, _: &str, _: Pin) -> Result<PathBuf, String> {
    Err("this program was built without the feature `hub`".into())
}

#[cfg(test)]
#[cfg(feature = "hub")]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_other_contents_is_refused() {
        // SHA-256 of "abc": FIPS 180-2, appendix B.1.
        let pin = Pin { revision: "", sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(check(&path, pin), Ok(()));
        std::fs::write(&path, "abd").unwrap();
        assert!(check(&path, pin).unwrap_err().contains("expected ba7816bf"));
    }
}
