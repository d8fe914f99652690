/*
 * The least a client can do: one GET and one PUT over plain HTTP/1.1, bytes from socket to socket with read and write, nothing checked.
 * No tool, but the yardstick for what the network itself costs. relay HOST PORT PATH HOST PORT PATH BYTES
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char buffer[1 << 20];

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int dial(const char *host, const char *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  int to = socket(AF_INET, SOCK_STREAM, 0);
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("an IPv4 address is needed");
  if (connect(to, (struct sockaddr *)&address, sizeof address) != 0) die("connect");
  return to;
}

static void send_all(int to, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t sent = write(to, bytes, count);
    if (sent <= 0) die("write");
    bytes += sent;
    count -= sent;
  }
}

/* Reads a head and returns where the body begins in the buffer; *have is how much there is. */
static size_t read_head(int from, size_t *have) {
  *have = 0;
  for (;;) {
    ssize_t got = read(from, buffer + *have, 65536 - *have);
    if (got <= 0) die("read of a head");
    *have += got;
    buffer[*have] = 0;
    char *end = strstr(buffer, "\r\n\r\n");
    if (end != NULL) return end + 4 - buffer;
    if (*have >= 65536) die("a head that does not end");
  }
}

int main(int count, char **words) {
  if (count != 8) return 2;
  long long left = atoll(words[7]);
  int from = dial(words[1], words[2]), to = dial(words[4], words[5]);
  int length = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nConnection: close\r\n\r\n", words[3], words[1], words[2]);
  send_all(from, buffer, length);
  static char head[16384];
  length = snprintf(head, sizeof head, "PUT %s HTTP/1.1\r\nHost: %s:%s\r\nContent-Length: %lld\r\nConnection: close\r\n\r\n", words[6], words[4], words[5], left);
  send_all(to, head, length);
  size_t have, at = read_head(from, &have);
  if (strncmp(buffer, "HTTP/1.1 200", 12) != 0) die("the source refused");
  send_all(to, buffer + at, have - at);
  left -= have - at;
  while (left > 0) {
    ssize_t got = read(from, buffer, sizeof buffer);
    if (got <= 0) die("read of the body");
    send_all(to, buffer, got);
    left -= got;
  }
  read_head(to, &have);
  return strncmp(buffer, "HTTP/1.1 200", 12) == 0 ? 0 : 1;
}
