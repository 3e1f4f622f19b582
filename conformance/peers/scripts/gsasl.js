// One side of a SASL exchange, made by the program of GNU SASL.
'use strict';

const { spawn } = require('node:child_process');
const readline = require('node:readline');

class Gsasl {
    // `binding` is the octets of tls-exporter (RFC 9266), which only the mechanisms with -PLUS ask for.
    constructor(role, mechanism, options, binding) {
        this.child = spawn('gsasl', [`--${role}`, '--quiet', '--mechanism', mechanism, ...options], {
            stdio: ['pipe', 'pipe', 'inherit'],
        });
        this.child.stdin.on('error', () => {});
        this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
        this.binding = mechanism.endsWith('-PLUS') ? binding.toString('base64') + '\n' : '';
        // It begins with the name of the mechanism, and a server with an empty message of its own.
        this.headings = role === 'server' ? 2 : 1;
    }

    // Takes a message of the other side, none for the first one of a client, and returns the answer, both in base64.
    async step(message) {
        const input = message === undefined ? '' : message + '\n';
        this.child.stdin.write(input + this.binding);
        this.binding = '';
        for (; this.headings > 0; this.headings -= 1) {
            await this.lines.next();
        }
        const { value, done } = await this.lines.next();
        if (done) {
            throw new Error('GNU SASL refuses');
        }
        // The prompt for the binding stands in front of the answer, on the same line.
        return value.split(' ').pop();
    }

    end() {
        this.child.kill();
    }
}

module.exports = { Gsasl };
