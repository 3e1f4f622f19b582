// A mail server made of the package smtp-server, for the tests: smtp_server.js SETTINGS
//
// The settings are JSON: {"folder", "host", "port", "login"}, and `login` is null or {"implicit", "required",
// "certificate", "key", "user", "password", "token"}. The SCRAM mechanisms, which the package does not have, are those of GNU SASL.
//
// Refuses recipients whose local part is `refused` with 550 and `later` with 451. Writes each accepted message to
// FOLDER/N.eml, octet by octet, and its envelope and login to FOLDER/N.json after it. Runs until killed.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { SMTPServer } = require('smtp-server');
const SASL = require('smtp-server/lib/sasl');
const { Gsasl } = require('./gsasl.js');

const { folder, host, port, login } = JSON.parse(process.argv[2]);
const SCRAM = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256', 'SCRAM-SHA-1'];
let count = 0;

for (const mechanism of SCRAM) {
    SASL[`SASL_${mechanism}`] = function (words, done) {
        scram(this, mechanism, words[0], done);
    };
}

// The handler of AUTH. `done` says that a line has been dealt with, the next of which comes to `_nextHandler`.
async function scram(connection, mechanism, initial, done) {
    const ask = challenge =>
        new Promise(resolve => {
            connection._nextHandler = (line, next) => {
                resolve(line.toString().trim());
                done = next;
            };
            connection.send(334, challenge);
            done();
        });
    const binding = connection._socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
    const gsasl = new Gsasl('server', mechanism, ['--password', login.password], binding);
    try {
        const first = initial || (await ask());
        const last = await ask(await gsasl.step(first));
        await ask(await gsasl.step(last));
        const [, user] = /,n=([^,]*),/.exec(Buffer.from(first, 'base64'));
        connection.session.user = { mechanism, user };
        connection.send(235, 'Authentication successful');
    } catch (error) {
        connection.send(535, error.message);
    }
    gsasl.end();
    done();
}

function authenticate({ method, username, password, accessToken, validatePassword }, session, callback) {
    const right =
        method === 'CRAM-MD5' ? validatePassword(login.password)
        : method === 'XOAUTH2' ? accessToken === login.token
        : password === login.password;
    callback(null, right && username === login.user ? { user: { mechanism: method, user: username } } : {});
}

function refusal({ address }) {
    if (address.startsWith('refused@')) {
        return Object.assign(new Error('5.1.1 no such user'), { responseCode: 550 });
    }
    return address.startsWith('later@') ? Object.assign(new Error('4.2.1 come back later'), { responseCode: 451 }) : null;
}

function store(stream, { envelope, user }, callback) {
    const name = path.join(folder, `${count}`);
    count += 1;
    const about = {
        from: envelope.mailFrom.address,
        to: envelope.rcptTo.map(recipient => recipient.address),
        login: user || null,
    };
    stream.pipe(fs.createWriteStream(`${name}.eml`)).on('finish', () => {
        fs.writeFileSync(`${name}.json.new`, JSON.stringify(about));
        fs.renameSync(`${name}.json.new`, `${name}.json`);
        callback(null, '2.0.0 stored');
    });
}

const options = {
    name: 'smtp-server.example',
    size: 30_000_000,
    disableReverseLookup: true,
    onRcptTo: (address, session, callback) => callback(refusal(address)),
    onData: store,
};
const offered = login
    ? {
          secure: login.implicit,
          authOptional: !login.required,
          cert: fs.readFileSync(login.certificate),
          key: fs.readFileSync(login.key),
          authMethods: [...SCRAM, 'CRAM-MD5', 'PLAIN', 'LOGIN', 'XOAUTH2'],
          onAuth: authenticate,
      }
    : { disabledCommands: ['AUTH', 'STARTTLS'] };
const server = new SMTPServer({ ...options, ...offered });
// A client that does not trust the certificate is an error of its connection.
server.on('error', error => console.error(error.message));
server.listen(port, host);
