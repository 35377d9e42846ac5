//! Weights by name from the Hugging Face hub. The only code that opens a network connection, and only when asked.

use std::path::PathBuf;

use super::NnError;

/// Path of `file` of the model `repository` ("owner/name") in the local cache, downloaded if it is not there yet.
///
/// `HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_TOKEN` are respected; with `HF_HUB_OFFLINE=1` only the cache is
/// read.
///
/// # Errors
/// No such file, no connection, or a program built without the feature `hub`.
#[cfg(feature = "hub")]
pub fn fetch(repository: &str, file: &str) -> Result<PathBuf, NnError> {
    let offline =
        std::env::var("HF_HUB_OFFLINE").is_ok_and(|v| ["1", "true", "yes", "on"].contains(&v.to_lowercase().as_str()));
    let failed = |reason: String| NnError::Hub { repository: repository.into(), file: file.into(), reason };
    let (owner, name) = hf_hub::split_id(repository);
    let client = hf_hub::HFClientSync::new().map_err(|e| failed(e.to_string()))?;
    let download = client.model(owner, name).download_file().filename(file).local_files_only(offline).send();
    download.map_err(|e| match offline {
        true => failed(format!("HF_HUB_OFFLINE is set and the file is not in the local cache ({e})")),
        false => failed(e.to_string()),
    })
}

/// Without the feature `hub` nothing can be fetched.
///
/// # Errors
/// Always, with what to do instead.
#[cfg(not(feature = "hub"))]
pub fn fetch(repository: &str, file: &str) -> Result<PathBuf, NnError> {
    let reason = "this program was built without the feature `hub`".to_string();
    Err(NnError::Hub { repository: repository.into(), file: file.into(), reason })
}
