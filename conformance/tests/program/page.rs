//! The HTML page, in a browser.

use std::env;
use std::process::{Command, Stdio};

use crate::run::Cases;
use smtp_peers::{find, require};

/// Opens the page in Chromium, filters, opens dialogues, and uses the keys; wide and narrow. With `SMTP_PICTURES=FOLDER`
/// in the environment it leaves pictures there.
#[test]
fn the_page_works() {
    let Some(browser) =
        require("chromium", ["chromium", "google-chrome"].into_iter().find_map(find).ok_or("not installed"))
    else {
        return;
    };
    let has_puppeteer = || {
        let mut resolve = Command::new("node");
        let resolve = resolve.args(["--eval", "require('puppeteer-core')"]).stderr(Stdio::null());
        resolve.status().is_ok_and(|status| status.success())
    };
    let found = if has_puppeteer() { Ok(()) } else { Err("NODE_PATH does not lead to it") };
    let Some(()) = require("puppeteer-core", found) else { return };

    let cases = Cases::new().with_faults();
    let page = cases.file("report.html");
    let html = page.to_str().expect("UTF-8");
    cases.run(&["--target", "core", "--target", "blocking", "--html", html]).expect(1, &[]);
    let mut browse = Command::new("node");
    browse.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/browse.js")).arg(&page).env("CHROMIUM", browser);
    if let Some(folder) = env::var_os("SMTP_PICTURES") {
        browse.arg(folder);
    }
    let output = browse.output().expect("Node is there");
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success() && said[0] == "ok\n", "{}", said.join("\n"));
}
