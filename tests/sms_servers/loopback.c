/* An LD_PRELOAD shim: Kannel's fake SMSC always binds 0.0.0.0, and tests bind loopback only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *address, socklen_t length) {
    static int (*real)(int, const struct sockaddr *, socklen_t);
    if (!real) real = dlsym(RTLD_NEXT, "bind");
    const struct sockaddr_in *wanted = (const struct sockaddr_in *)address;
    if (address->sa_family == AF_INET && wanted->sin_addr.s_addr == INADDR_ANY) {
        struct sockaddr_in local = *wanted;
        local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return real(fd, (struct sockaddr *)&local, sizeof local);
    }
    return real(fd, address, length);
}
