//! The page's script and style: built from `explorer/` by `npm run build` there, and committed.

/// The script.
pub const SCRIPT: &str = include_str!("../../assets/explorer.js");
/// The style sheet.
pub const STYLE: &str = include_str!("../../assets/explorer.css");
/// The licences of what the script contains.
pub const LICENSES: &str = include_str!("../../assets/explorer-licenses.txt");
