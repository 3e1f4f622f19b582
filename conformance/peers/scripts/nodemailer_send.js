// Sends one message with nodemailer: nodemailer_send.js SETTINGS < MESSAGE
//
// The settings are JSON: {"host", "port", "from", "to", "login"}, and `login` is null or {"implicit", "ca",
// "mechanism", "user", "secret"}. Nodemailer leaves the mechanisms with -PLUS to others: here to GNU SASL.
//
// Prints the replies that refused a recipient and the last reply, and exits 0 if that was yes, else 1.
'use strict';

const fs = require('node:fs');
const SMTPConnection = require('nodemailer/lib/smtp-connection');
const XOAuth2 = require('nodemailer/lib/xoauth2');
const { Gsasl } = require('./gsasl.js');

const { host, port, from, to, login } = JSON.parse(process.argv[2]);
const PLUS = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS'];

async function scram(mechanism, { auth, sendCommand, reject }) {
    const binding = connection._socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    const options = ['--authentication-id', auth.credentials.user, '--password', auth.credentials.pass];
    const gsasl = new Gsasl('client', mechanism, options, binding);
    let reply = await sendCommand(`AUTH ${mechanism} ${await gsasl.step()}`);
    for (let messages = 2; reply.status === 334 && messages > 0; messages -= 1) {
        reply = await sendCommand(await gsasl.step(reply.text));
    }
    gsasl.end();
    if (reply.status !== 235) {
        reject(reply.response);
    }
}

function call(method, ...values) {
    return new Promise((resolve, reject) => {
        method.call(connection, ...values, (error, said) => (error ? reject(error) : resolve(said)));
    });
}

async function send() {
    await call(connection.connect);
    if (login) {
        const { mechanism: method, user, secret } = login;
        const provisionCallback = (user, renew, callback) => callback(null, secret);
        const oauth2 = new XOAuth2({ user, provisionCallback });
        await call(connection.login, { method, oauth2, credentials: { user, pass: secret } });
    }
    const { rejectedErrors = [], response } = await call(connection.send, { from, to }, fs.readFileSync(0));
    connection.quit();
    return [...rejectedErrors.map(error => error.response), response].join('\n');
}

const connection = new SMTPConnection({
    host,
    port,
    name: 'client.example',
    ignoreTLS: !login,
    ...(login && { secure: login.implicit, requireTLS: true, tls: { ca: fs.readFileSync(login.ca) } }),
    customAuth: Object.fromEntries(PLUS.map(mechanism => [mechanism, context => scram(mechanism, context)])),
});
connection.on('error', fail);
send().then(replies => console.log(replies), fail);

function fail(error) {
    console.log(error.response || error.message);
    process.exit(1);
}
