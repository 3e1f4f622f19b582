//! `smtp send --provider` against servers that behave as those of providers do: what they offer in clear and inside TLS,
//! what they ask with, and where they differ from what the RFCs say. The facts are those of `providers.tsv` of the core;
//! where it has none, and in names and words, the servers do as most do.

pub(crate) mod server;

use std::fs;

use smtp_proto::submission::{Choices, Provider};

use crate::authority::Authority;
use crate::program::{Run, run};
use server::{Account, Heard, Manner, serve};

/// One way to send by a provider.
struct Case {
    provider: &'static str,
    /// Further options, such as the kind of TLS that takes another port.
    options: &'static [&'static str],
    from: &'static str,
    /// The option that takes the secret.
    secret_option: &'static str,
    account: Account,
    /// The mechanism that is to be used.
    mechanism: &'static str,
    manner: Manner,
}

/// What most do.
pub(crate) const USUAL: Manner = Manner {
    greeting: "220 mx.example ESMTP",
    in_clear: None,
    in_tls: &[],
    plain_prompt: "334 ",
    login_prompts: ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    welcome: "235 2.7.0 Accepted",
    refusal: "535 5.7.8 Error: authentication failed",
    go_ahead: "354 End data with <CR><LF>.<CR><LF>",
    bye: "221 2.0.0 Bye",
};

/// With an app password as it is shown.
const fn account(user: &'static str) -> Account {
    Account { user, secret: "abcd efgh ijkl mnop" }
}

/// With an access token.
const fn token(user: &'static str) -> Account {
    Account { user, secret: "ya29.a0-_~+/token==" }
}

const GMAIL: Case = Case {
    provider: "gmail",
    options: &[],
    from: "alice@gmail.com",
    secret_option: "--password-file",
    account: account("alice@gmail.com"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 smtp.gmail.com ESMTP x-1 - gsmtp",
        in_tls: &[
            "smtp.gmail.com at your service, [192.0.2.1]",
            "SIZE 35882577",
            "8BITMIME",
            "AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH",
            "ENHANCEDSTATUSCODES",
            "PIPELINING",
            "CHUNKING",
            "SMTPUTF8",
        ],
        refusal: "535-5.7.8 Username and Password not accepted. For more information, go to\r\n\
                  535 5.7.8  https://support.google.com/mail/?p=BadCredentials x-1 - gsmtp",
        go_ahead: "354  Go ahead x-1 - gsmtp",
        bye: "221 2.0.0 closing connection x-1 - gsmtp",
        ..USUAL
    },
};

/// In clear there is no AUTH.
const GMAIL_STARTTLS: Case = Case {
    options: &["--tls", "required"],
    secret_option: "--token-file",
    account: token("alice@gmail.com"),
    mechanism: "OAUTHBEARER",
    manner: Manner {
        in_clear: Some(&[
            "smtp.gmail.com at your service, [192.0.2.1]",
            "SIZE 35882577",
            "8BITMIME",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "PIPELINING",
            "CHUNKING",
            "SMTPUTF8",
        ]),
        ..GMAIL.manner
    },
    ..GMAIL
};

/// PLAIN is not offered, AUTH only inside TLS.
const OFFICE365: Case = Case {
    provider: "office365",
    options: &[],
    from: "alice@contoso.example",
    secret_option: "--password-file",
    account: account("alice@contoso.example"),
    mechanism: "LOGIN",
    manner: Manner {
        greeting: "220 X.outlook.office365.com Microsoft ESMTP MAIL Service ready",
        in_clear: Some(&[
            "X.outlook.office365.com Hello [192.0.2.1]",
            "SIZE 157286400",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "STARTTLS",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ]),
        in_tls: &[
            "X.outlook.office365.com Hello [192.0.2.1]",
            "SIZE 157286400",
            "PIPELINING",
            "DSN",
            "ENHANCEDSTATUSCODES",
            "AUTH LOGIN XOAUTH2",
            "8BITMIME",
            "BINARYMIME",
            "CHUNKING",
            "SMTPUTF8",
        ],
        refusal: "550 5.7.30 Basic authentication is not supported for Client Submission.",
        ..USUAL
    },
};

const OFFICE365_TOKEN: Case = Case {
    secret_option: "--token-file",
    account: token("alice@contoso.example"),
    mechanism: "XOAUTH2",
    manner: Manner { refusal: "535 5.7.3 Authentication unsuccessful", ..OFFICE365.manner },
    ..OFFICE365
};

const OUTLOOK: Case = Case {
    provider: "outlook",
    from: "alice@hotmail.com",
    secret_option: "--token-file",
    account: token("alice@hotmail.com"),
    mechanism: "XOAUTH2",
    manner: Manner {
        in_tls: &["X.outlook.com Hello [192.0.2.1]", "SIZE 157286400", "PIPELINING", "AUTH XOAUTH2", "8BITMIME"],
        ..OFFICE365.manner
    },
    ..OFFICE365
};

/// The answer to QUIT is none.
const QQ: Case = Case {
    provider: "qq",
    options: &[],
    from: "10001@foxmail.com",
    secret_option: "--password-file",
    account: account("10001@foxmail.com"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 newxmesmtplogicsvrszc2-0.qq.com XMail Esmtp QQ Mail Server.",
        in_tls: &[
            "newxmesmtplogicsvrszc2-0.qq.com",
            "PIPELINING",
            "SIZE 73400320",
            "AUTH LOGIN PLAIN XOAUTH XOAUTH2",
            "AUTH=LOGIN",
            "MAILCOMPRESS",
            "8BITMIME",
        ],
        welcome: "235 Authentication successful",
        refusal: "535 Login fail. Account is abnormal, service is not open, password is incorrect, or login is limited.",
        go_ahead: "354 End data with <CR><LF>.<CR><LF>.",
        bye: "\0\0",
        ..USUAL
    },
};

/// AUTH is offered in clear, too, and not done there.
const QQ_STARTTLS: Case = Case {
    options: &["--tls", "required"],
    manner: Manner {
        in_clear: Some(&[
            "newxmesmtplogicsvrszc2-0.qq.com",
            "PIPELINING",
            "SIZE 73400320",
            "STARTTLS",
            "AUTH LOGIN PLAIN XOAUTH XOAUTH2",
            "AUTH=LOGIN",
            "MAILCOMPRESS",
            "8BITMIME",
        ]),
        ..QQ.manner
    },
    ..QQ
};

/// STARTTLS is offered inside TLS, AUTH in two forms, and LOGIN asks in lower case.
const NETEASE: Case = Case {
    provider: "163",
    options: &["--auth", "login"],
    from: "alice@163.com",
    secret_option: "--password-file",
    account: account("alice@163.com"),
    mechanism: "LOGIN",
    manner: Manner {
        greeting: "220 163.com Anti-spam GT for Coremail System (163com[20141201])",
        in_tls: &[
            "mail",
            "PIPELINING",
            "AUTH LOGIN PLAIN",
            "AUTH=LOGIN PLAIN",
            "coremail 1Uxr2xKj7kG0xkI17xGrU7I0s8FY2U3Uj8Cz28x1UUUUU7Ic2I0Y2Ur",
            "STARTTLS",
            "8BITMIME",
        ],
        login_prompts: ["dXNlcm5hbWU6", "UGFzc3dvcmQ6"],
        welcome: "235 Authentication successful",
        refusal: "535 Error: authentication failed",
        bye: "221 Bye",
        ..USUAL
    },
};

const NETEASE_PLAIN: Case = Case { options: &[], mechanism: "PLAIN", ..NETEASE };

const ICLOUD: Case = Case {
    provider: "icloud",
    options: &[],
    from: "alice@me.com",
    secret_option: "--password-file",
    account: account("alice@me.com"),
    mechanism: "PLAIN",
    manner: Manner {
        in_clear: Some(&["smtp.mail.me.com", "PIPELINING", "STARTTLS", "8BITMIME"]),
        in_tls: &["smtp.mail.me.com", "PIPELINING", "AUTH LOGIN PLAIN", "8BITMIME"],
        ..USUAL
    },
};

const YAHOO: Case = Case {
    provider: "yahoo",
    options: &[],
    from: "alice@ymail.com",
    secret_option: "--password-file",
    account: account("alice@ymail.com"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 smtp.mail.yahoo.com ESMTP ready",
        in_tls: &[
            "hermes--production Hello client.example [192.0.2.1])",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "SIZE 41697280",
            "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER",
        ],
        refusal: "535 5.7.0 (#AUTH005) Too many bad auth attempts.",
        ..USUAL
    },
};

/// The first line of the answer to EHLO ends with a bracket that nothing opened.
const YAHOO_STARTTLS: Case = Case {
    options: &["--tls", "required"],
    secret_option: "--token-file",
    account: token("alice@ymail.com"),
    mechanism: "OAUTHBEARER",
    manner: Manner {
        in_clear: Some(&[
            "hermes--production Hello client.example [192.0.2.1])",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "SIZE 41697280",
            "STARTTLS",
        ]),
        ..YAHOO.manner
    },
    ..YAHOO
};

/// No PIPELINING.
const ZOHO: Case = Case {
    provider: "zoho",
    options: &[],
    from: "alice@zohomail.com",
    secret_option: "--password-file",
    account: account("alice@zohomail.com"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 mx.zohomail.com SMTP Server ready",
        in_tls: &["mx.zohomail.com Hello client.example (192.0.2.1 (192.0.2.1))", "AUTH LOGIN PLAIN", "SIZE 53477376"],
        welcome: "235 Authentication Successful",
        refusal: "535 Authentication Failed",
        ..USUAL
    },
};

const YANDEX: Case = Case {
    provider: "yandex",
    options: &[],
    from: "alice@ya.ru",
    secret_option: "--password-file",
    account: account("alice@ya.ru"),
    mechanism: "PLAIN",
    manner: Manner {
        in_tls: &[
            "smtp.yandex.com",
            "8BITMIME",
            "PIPELINING",
            "SIZE 42991616",
            "AUTH LOGIN PLAIN XOAUTH2",
            "DSN",
            "ENHANCEDSTATUSCODES",
        ],
        refusal: "535 5.7.8 Error: authentication failed: Invalid user or password!",
        ..USUAL
    },
};

/// No PIPELINING, and a user that no address tells.
const SES: Case = Case {
    provider: "ses:eu-west-1",
    options: &["--user", "AKIAEXAMPLE"],
    from: "alice@shop.example",
    secret_option: "--password-file",
    account: account("AKIAEXAMPLE"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 email-smtp.amazonaws.com ESMTP SimpleEmailService",
        in_tls: &["email-smtp.amazonaws.com", "8BITMIME", "SIZE 10485760", "AUTH PLAIN LOGIN", "Ok"],
        welcome: "235 Authentication successful.",
        refusal: "535 Authentication Credentials Invalid",
        go_ahead: "354 End data with <CR><LF>.<CR><LF>",
        bye: "221 Bye",
        ..USUAL
    },
};

/// The user is a word, and the last line of the answer to EHLO is AUTH with an equals sign.
const SENDGRID: Case = Case {
    provider: "sendgrid",
    options: &[],
    from: "alice@shop.example",
    secret_option: "--password-file",
    account: account("apikey"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 SG ESMTP service ready at geopod-ismtpd-1",
        in_tls: &["smtp.sendgrid.net", "8BITMIME", "PIPELINING", "SIZE 31457280", "AUTH=PLAIN LOGIN"],
        welcome: "235 Authentication successful",
        refusal: "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked",
        ..USUAL
    },
};

/// AUTH is offered in clear, too, and not done there.
const SENDGRID_STARTTLS: Case = Case {
    options: &["--tls", "required"],
    manner: Manner {
        in_clear: Some(&[
            "smtp.sendgrid.net",
            "8BITMIME",
            "PIPELINING",
            "SIZE 31457280",
            "STARTTLS",
            "AUTH=PLAIN LOGIN",
        ]),
        ..SENDGRID.manner
    },
    ..SENDGRID
};

/// The response is too long for the AUTH line, and what asks for it is words, not base64.
const MAILGUN: Case = Case {
    provider: "mailgun",
    options: &["--user", "postmaster@mg.shop.example"],
    from: "alice@shop.example",
    secret_option: "--password-file",
    account: Account {
        user: "postmaster@mg.shop.example",
        secret: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\
                 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    },
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 Mailgun Influx ready",
        in_tls: &["ak47", "AUTH PLAIN LOGIN", "SIZE 52428800", "8BITMIME", "SMTPUTF8", "PIPELINING"],
        plain_prompt: "334 Go ahead",
        welcome: "235 2.0.0 OK",
        refusal: "535 5.7.0 Invalid login",
        ..USUAL
    },
};

const MAILGUN_STARTTLS: Case = Case {
    options: &["--user", "postmaster@mg.shop.example", "--tls", "required"],
    manner: Manner {
        in_clear: Some(&[
            "ak47",
            "AUTH PLAIN LOGIN",
            "SIZE 52428800",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "STARTTLS",
        ]),
        ..MAILGUN.manner
    },
    ..MAILGUN
};

const FASTMAIL: Case = Case {
    provider: "fastmail",
    options: &[],
    from: "alice@fastmail.com",
    secret_option: "--password-file",
    account: account("alice@fastmail.com"),
    mechanism: "PLAIN",
    manner: Manner {
        greeting: "220 smtp.fastmail.com ESMTP . No UCE permitted",
        in_tls: &[
            "smtp.fastmail.com",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER",
            "AUTH=PLAIN LOGIN XOAUTH2 OAUTHBEARER",
        ],
        ..USUAL
    },
};

const FASTMAIL_TOKEN: Case =
    Case { secret_option: "--token-file", account: token("alice@fastmail.com"), mechanism: "OAUTHBEARER", ..FASTMAIL };

const MAIL_RU: Case = Case {
    provider: "mail.ru",
    options: &[],
    from: "alice@inbox.ru",
    secret_option: "--password-file",
    account: account("alice@inbox.ru"),
    mechanism: "PLAIN",
    manner: Manner { in_tls: &["smtp.mail.ru", "PIPELINING", "8BITMIME", "AUTH PLAIN LOGIN"], ..USUAL },
};

macro_rules! tests {
    ($($name:ident: $case:ident,)*) => {
        $(
            #[test]
            fn $name() {
                $case.delivers();
                $case.is_refused();
            }
        )*
    };
}

tests! {
    gmail: GMAIL,
    gmail_starttls: GMAIL_STARTTLS,
    office365: OFFICE365,
    office365_token: OFFICE365_TOKEN,
    outlook: OUTLOOK,
    qq: QQ,
    qq_starttls: QQ_STARTTLS,
    netease: NETEASE,
    netease_plain: NETEASE_PLAIN,
    icloud: ICLOUD,
    yahoo: YAHOO,
    yahoo_starttls: YAHOO_STARTTLS,
    zoho: ZOHO,
    yandex: YANDEX,
    ses: SES,
    sendgrid: SENDGRID,
    sendgrid_starttls: SENDGRID_STARTTLS,
    mailgun: MAILGUN,
    mailgun_starttls: MAILGUN_STARTTLS,
    fastmail: FASTMAIL,
    fastmail_token: FASTMAIL_TOKEN,
    mail_ru: MAIL_RU,
}

impl Case {
    /// The mail arrives, with the mechanism that is expected, and nothing secret or of the mail went out in clear.
    #[track_caller]
    fn delivers(&self) {
        let (run, heard) = self.send(self.account.secret);
        assert_eq!((run.code, run.errors.as_str()), (Some(0), ""), "{run:?} {heard:?}");
        let expected = Heard {
            mechanism: Some(self.mechanism.into()),
            message: b"Subject: greeting\r\n\r\n.hello\r\n".into(),
            ..Heard::default()
        };
        assert_eq!(heard, expected);
        assert_eq!(run.json()["result"], "accepted", "{run:?}");
    }

    /// A wrong password or token is told as that, with what the provider wants, and is not tried again in another form.
    #[track_caller]
    fn is_refused(&self) {
        let (run, heard) = self.send("wrong");
        let json = run.json();
        assert_eq!(
            (run.code, &json["stage"], &json["result"]),
            (Some(77), &"auth".into(), &"refused".into()),
            "{run:?}"
        );
        let code: u16 = self.manner.refusal[..3].parse().expect("a code");
        assert_eq!((&json["reply"]["code"], heard), (&code.into(), Heard::default()), "{run:?}");
        let name = self.provider.split(':').next().unwrap_or_default();
        let provider = Provider::named(name).expect("a provider");
        assert!(run.errors.ends_with(&format!("({provider} wants {})\n", provider.wants())), "{run:?}");
        assert!(!format!("{run:?}").contains("wrong"), "{run:?}");
    }

    /// Sends to a server of the provider's name that is on this machine.
    fn send(&self, secret: &str) -> (Run, Heard) {
        let mut choices = Choices::default();
        choices.provider = Some(self.provider.into());
        let name = choices.target().expect("a provider").certificate_name().to_string();
        let authority = Authority::new();
        let (address, server) = serve(self.manner, self.account, authority.server(&name), 1);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("secret");
        fs::write(&file, format!("{secret}\n")).expect("a new file");
        let (file, ca) = (file.display().to_string(), authority.file().display().to_string());
        let mut arguments = vec!["send", "--json", "--provider", self.provider, "--tls-ca", &ca];
        let address = address.to_string();
        arguments.extend(["--server", &address, "--from", self.from, "--to", "bob@mx.example"]);
        arguments.extend(["--ehlo", "client.example", self.secret_option, &file]);
        arguments.extend(self.options);
        let run = run(&arguments, b"Subject: greeting\n\n.hello\n");
        (run, server.join().expect("the server does not panic"))
    }
}
