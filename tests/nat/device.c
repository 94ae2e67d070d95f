#define _GNU_SOURCE /* setns */
#include "device.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAITING = 2000 }; /* packets that the kernel keeps for us, as when this process has to wait for the processor */

static char device[] = "net0";

static struct ifreq request(const char *name) {
    struct ifreq r = {0};
    (void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", name);
    return r;
}

static struct sockaddr socket_address(const uint8_t *four) {
    struct sockaddr_in in = {.sin_family = AF_INET};
    struct sockaddr out;
    if (four) memcpy(&in.sin_addr, four, 4);
    memcpy(&out, &in, sizeof out);
    return out;
}

static bool set_up(int s, const char *name) {
    struct ifreq r = request(name);
    if (ioctl(s, SIOCGIFFLAGS, &r) != 0) return false;
    r.ifr_flags |= IFF_UP;
    return ioctl(s, SIOCSIFFLAGS, &r) == 0;
}

static bool set_size(int s) {
    struct ifreq r = request(device);
    r.ifr_mtu = MTU;
    if (ioctl(s, SIOCSIFMTU, &r) != 0) return false;
    r.ifr_qlen = WAITING;
    return ioctl(s, SIOCSIFTXQLEN, &r) == 0;
}

static bool set_four(int s, const struct address *address) {
    static const uint8_t only[4] = {255, 255, 255, 255};
    struct ifreq r = request(device);
    struct rtentry route = {.rt_dev = device, .rt_flags = RTF_UP};
    route.rt_dst = route.rt_genmask = socket_address(NULL);
    r.ifr_addr = socket_address(address->b + 12);
    if (ioctl(s, SIOCSIFADDR, &r) != 0) return false;
    r.ifr_netmask = socket_address(only);
    return ioctl(s, SIOCSIFNETMASK, &r) == 0 && ioctl(s, SIOCADDRT, &route) == 0;
}

static bool set_six(int s, const struct address *address) {
    struct ifreq r = request(device);
    if (ioctl(s, SIOCGIFINDEX, &r) != 0) return false;
    struct in6_ifreq own = {.ifr6_prefixlen = 128, .ifr6_ifindex = r.ifr_ifindex};
    struct in6_rtmsg route = {.rtmsg_ifindex = r.ifr_ifindex, .rtmsg_flags = RTF_UP, .rtmsg_metric = 1};
    memcpy(&own.ifr6_addr, address->b, sizeof address->b);
    return ioctl(s, SIOCSIFADDR, &own) == 0 && ioctl(s, SIOCADDRT, &route) == 0;
}

/* In the node's namespace. */
static const char *configure(struct node *node, int four, int six) {
    struct ifreq r = request(device);
    r.ifr_flags = IFF_TUN | IFF_NO_PI;
    if ((node->device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC)) < 0) return "/dev/net/tun";
    if (ioctl(node->device, TUNSETIFF, &r) != 0) return "a TUN device";
    if (!set_size(four)) return "the device's size";
    if (!set_up(four, "lo") || !set_up(four, device)) return "the device, set up";
    if (node->four && !set_four(four, &node->inside)) return "the IPv4 address and route";
    if (node->six && !set_six(six, &node->own_six)) return "the IPv6 address and route";
    return NULL;
}

static const char *inside(struct node *node) {
    int four = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), six = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const char *failed = four < 0 || (six < 0 && node->six) ? "a socket" : configure(node, four, six);
    int why = errno;
    if (four >= 0) (void)close(four);
    if (six >= 0) (void)close(six);
    errno = why;
    return failed;
}

const char *device_open(struct node *node) {
    char path[sizeof "/run/netns/" + NODE_NAME];
    (void)snprintf(path, sizeof path, "/run/netns/%s", node->name);
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), there = open(path, O_RDONLY | O_CLOEXEC);
    const char *failed = own < 0 || there < 0 || setns(there, CLONE_NEWNET) != 0 ? "its network namespace" : inside(node);
    int why = errno;
    if (own >= 0 && setns(own, CLONE_NEWNET) != 0 && !failed) {
        failed = "the way back";
        why = errno;
    }
    if (own >= 0) (void)close(own);
    if (there >= 0) (void)close(there);
    errno = why;
    return failed;
}
