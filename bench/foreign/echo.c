/* What loopback allows: an echo server (`serve`), or clients that make round trips of 64 bytes
 * (`visit PORT CONNECTIONS TRIPS`, a round for each line of input), on epoll and nothing else. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 64, EVENTS = 256, MOST = 1 << 16 };
static int left[MOST], here[MOST];

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return to;
}

static void must(int good, const char *what) {
  if (good) return;
  perror(what);
  exit(1);
}

static void watch(int poll, int fd) {
  int on = 1;
  must(fd < MOST, "descriptors");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  must(epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
}

static void serve(void) {
  struct sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
  must(bind(listener, (void *)&at, size) == 0 && listen(listener, 511) == 0, "listen");
  must(getsockname(listener, (void *)&at, &size) == 0, "getsockname");
  watch(poll, listener);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);
  char bytes[64 * 1024];
  for (struct epoll_event events[EVENTS];;) {
    int count = epoll_wait(poll, events, EVENTS, -1);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        watch(poll, accept(listener, NULL, NULL));
        continue;
      }
      ssize_t got = recv(fd, bytes, sizeof bytes, 0);
      if (got <= 0 || send(fd, bytes, got, MSG_NOSIGNAL) != got) close(fd);
    }
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static void visit(int port, int connections, int trips) {
  struct sockaddr_in to = loopback(port);
  int poll = epoll_create1(0), *fds = calloc(connections, sizeof *fds);
  char message[SIZE], bytes[SIZE], line[16], purpose = 1;
  memset(message, 'x', SIZE);
  message[SIZE - 1] = '\n';
  for (int i = 0; i < connections; i++) {
    fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    must(connect(fds[i], (void *)&to, sizeof to) == 0, "connect");
    watch(poll, fds[i]);
    must(send(fds[i], &purpose, 1, 0) == 1, "send");
  }
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin)) {
    double begun = now();
    for (int i = 0; i < connections; i++) {
      left[fds[i]] = trips;
      must(send(fds[i], message, SIZE, 0) == SIZE, "send");
    }
    for (int busy = connections; busy > 0;) {
      struct epoll_event events[EVENTS];
      int count = epoll_wait(poll, events, EVENTS, -1);
      for (int i = 0; i < count; i++) {
        int fd = events[i].data.fd;
        ssize_t got = recv(fd, bytes, SIZE - here[fd], 0);
        must(got > 0, "recv");
        here[fd] += got;
        if (here[fd] < SIZE) continue;
        here[fd] = 0;
        if (--left[fd] == 0) busy--;
        else must(send(fd, message, SIZE, 0) == SIZE, "send");
      }
    }
    printf("%.9f\n", now() - begun);
    fflush(stdout);
  }
}

int main(int count, char **args) {
  struct rlimit most;
  getrlimit(RLIMIT_NOFILE, &most);
  most.rlim_cur = most.rlim_max;
  setrlimit(RLIMIT_NOFILE, &most);
  if (count == 2 && strcmp(args[1], "serve") == 0) serve();
  if (count == 5 && strcmp(args[1], "visit") == 0) visit(atoi(args[2]), atoi(args[3]), atoi(args[4]));
  return count == 5 ? 0 : 2;
}
