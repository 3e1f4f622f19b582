// Sends with nodemailer what stands in the environment, as the conformance suite tells a client what to do.
//
// Exits 0 if every recipient was accepted.
'use strict';

const fs = require('node:fs');
const SMTPConnection = require('nodemailer/lib/smtp-connection');

const env = process.env;
const connection = new SMTPConnection({
    host: env.SMTP_HOST,
    port: Number(env.SMTP_PORT),
    name: 'client.example',
    secure: env.SMTP_SECURITY === 'implicit',
    ignoreTLS: env.SMTP_SECURITY === 'plain',
    requireTLS: env.SMTP_SECURITY === 'starttls',
    opportunisticTLS: env.SMTP_SECURITY === 'opportunistic',
    tls: { ca: fs.readFileSync(env.SMTP_CA) },
});

function call(method, ...values) {
    return new Promise((resolve, reject) => {
        method.call(connection, ...values, (error, said) => (error ? reject(error) : resolve(said)));
    });
}

async function send() {
    await call(connection.connect);
    if (env.SMTP_USER) {
        const method = env.SMTP_MECHANISM || undefined;
        await call(connection.login, { method, credentials: { user: env.SMTP_USER, pass: env.SMTP_PASSWORD } });
    }
    const to = fs.readFileSync(`${env.SMTP_MAILS}/1/to`, 'utf8').trimEnd().split('\n');
    const { rejected } = await call(connection.send, { from: env.SMTP_FROM, to }, fs.readFileSync(env.SMTP_MESSAGE));
    connection.quit();
    // Not every server closes behind 221.
    setTimeout(() => process.exit(rejected.length ? 1 : 0), 1000);
    return rejected;
}

function fail(error) {
    console.log(error.response || error.message);
    process.exit(1);
}

connection.on('error', fail);
send().then(rejected => rejected.length && fail({ message: `refused: ${rejected}` }), fail);
