//! What `cargo metadata` says about the workspace, and which packages reach which; for `tidy` and the notices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::run::{cargo, read};

/// The workspace and everything it depends on, for this machine's platform.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
    /// Where Cargo builds.
    pub(crate) target_directory: PathBuf,
}

/// One package.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) manifest_path: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Debug, Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Metadata {
    /// Asks Cargo. Only what this platform links: a notice for a Windows crate says nothing true about a Linux bundle.
    pub(crate) fn load() -> Result<Self> {
        let version = read(std::process::Command::new("rustc").arg("-vV"))?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .context("rustc names no host")?;
        let text =
            read(&mut cargo(["metadata", "--format-version", "1", "--filter-platform", host]))?;
        serde_json::from_str(&text).context("cannot read what cargo metadata printed")
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.is_member(package))
    }

    /// Whether a package is one of ours.
    pub(crate) fn is_member(&self, package: &Package) -> bool {
        self.workspace_members.contains(&package.id)
    }

    /// Everything linked into `package`, without itself: dependencies for tests and builds don't count.
    pub(crate) fn reached(&self, package: &Package) -> Vec<&Package> {
        let nodes: BTreeMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let mut seen = BTreeSet::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            for dependency in nodes.get(id).map(|node| node.deps.as_slice()).unwrap_or_default() {
                let linked = dependency.dep_kinds.iter().any(|kind| kind.kind.is_none());
                if linked && seen.insert(dependency.pkg.as_str()) {
                    open.push(&dependency.pkg);
                }
            }
        }
        self.packages.iter().filter(|package| seen.contains(package.id.as_str())).collect()
    }

    /// The package of ours with this name.
    pub(crate) fn member(&self, name: &str) -> Result<&Package> {
        self.members()
            .find(|package| package.name == name)
            .with_context(|| format!("no package `{name}`"))
    }
}
