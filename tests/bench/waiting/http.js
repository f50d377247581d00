// A server of the files in a folder, on one processor. It prints its port first: node http.js FOLDER
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const folder = process.argv[2];
const server = http.createServer((request, response) => {
  fs.readFile(path.join(folder, path.normalize(request.url)), (error, bytes) => {
    if (error) {
      response.writeHead(404);
      response.end();
      return;
    }
    response.writeHead(200, {'Content-Type': 'text/plain', 'Content-Length': bytes.length});
    response.end(bytes);
  });
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
