"""What bench/run measures: instances with signals in them, hellos that answer the same bytes, one lighttpd
before all of them. Everything is in one directory, on loopback, and ends with close()."""
import base64
import contextlib
import glob
import http.client
import json
import os
import secrets
import socket
import sqlite3
import subprocess
import time
from dataclasses import dataclass, field

ROSTER, POSTMEN, NURSERIES = 100, 800, 64  # signals that are shown, that send or get mail; circles for joins
RUN = "0badcafe"
TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")


class Missing(Exception):
    """Something that the bench needs is not there, or does not do what it should."""


@dataclass
class Side:
    """One row of the table: a program under one address."""
    name: str
    label: str
    mode: str
    what: str
    url: str
    instance: object = None  # None: the hello
    once: int = 0  # so many requests at most, each of them used once
    requests: str = ""
    process: object = None


@dataclass
class Operation:
    mode: str
    what: str
    sides: list = field(default_factory=list)  # the hello first


def address(i):
    """A visitor of its own /32; lighttpd believes X-Forwarded-For."""
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def wire(message):
    text = json.dumps({"v": 1, "run": RUN, **message}, separators=(",", ":"))
    return "d=" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def read_status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file)


def status_kb(status, name):
    return int(status[name].split()[0])


def await_sleep(pid):
    """The status of a process once it waits for something, twice in a row."""
    asleep, deadline = 0, time.monotonic() + 5
    while asleep < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
        status = read_status(pid)
        asleep = asleep + 1 if status["State"].startswith("S") else 0
    return status


class Instance:
    """A data directory, its circles, and the signals that stay in them."""

    def __init__(self, folder, program, mode, journal, label, base):
        self.data, self.program, self.mode, self.journal, self.base = folder, program, mode, journal, base
        self.label = label
        self.tool("init", "--url", "http://127.0.0.1" + base, "--journal", journal)
        names = ["roster"] + (["postmen"] + [f"nursery{i}" for i in range(NURSERIES)] if mode == "fastcgi" else [])
        self.circles = {name: json.loads(self.tool("circle", "add", name, "--json")) for name in names}
        self.tokens = [secrets.token_hex(32) for _ in range(ROSTER)]
        self.postmen = []

    def tool(self, *args):
        done = subprocess.run([self.program, *args, "--data", self.data], capture_output=True, text=True, timeout=60,
                              check=False)
        if done.returncode != 0:
            raise Missing(f"polycircle {' '.join(args)}: {done.stderr}")
        return done.stdout

    def key(self, circle):
        return self.circles[circle]["api_key"]

    def sync(self, web, i, message):
        status, timing, body = web(self.base + "sync", wire(message), address(i))
        if status != 200:
            raise Missing(f"{self.base}sync answers {status}: {body}")
        return json.loads(body), timing

    def enter(self, web, circle, i, token):
        """The usual life of a newcomer: a join, then mail. (Who has answered offers is no greeter for want of them.)"""
        joined, _ = self.sync(web, i, {"token": token, "key": self.key(circle)})
        answer = {"id": "a", "re": "o", "to": "0" * 64, "body": "-"}
        stays, _ = self.sync(web, i, {"token": token, "cursor": joined["cursor"], "mail": [answer]})
        return {"token": token, "sig": joined["sig"], "role": stays["role"], "cursor": stays["cursor"]}

    def fill(self, web):
        self.signals = [self.enter(web, "roster", i, token) for i, token in enumerate(self.tokens)]
        if self.mode == "fastcgi":
            all_ = [self.enter(web, "postmen", 1000 + 256 * i, secrets.token_hex(32)) for i in range(POSTMEN)]
            self.postmen = [one for one in all_ if one["role"] == "peer"]

    def refresh(self, web):
        """Greeters have leases of 90 s."""
        for i, one in enumerate(self.signals):
            if one["role"] != "greeter":
                continue
            status, _, _ = web(self.base + "sync", wire({"token": one["token"], "cursor": one["cursor"]}), address(i))
            if status != 200:
                self.signals[i] = self.enter(web, "roster", i, one["token"])

    def forget(self):
        """Takes what the windows before left: newcomers and mail."""
        files = glob.glob(f"{self.data}/live-*.db")
        live = sqlite3.connect(max(files, key=os.path.getmtime), timeout=10, isolation_level=None)
        live.execute("DELETE FROM mail")
        live.execute("DELETE FROM signal WHERE circle > 2")  # roster and postmen were made first
        live.close()


class Fixture:
    def __init__(self, folder, programs, only="", before=None):
        """programs, before: {mode: {name: path}}, of this program and of one to compare it with."""
        self.folder, self.programs, self.before, self.port = folder, programs, before or {}, free_port()
        self.children, self.sockets, self.operations, self.instances, self.seen = [], [], [], [], 1 << 17
        self.locations, self.hellos = {}, {}
        try:
            self.build(only)
        except BaseException:
            self.close()
            raise

    def build(self, only):
        for mode, whats in (("fastcgi", ("sync stay", "sync join", "sync mail", "roster 100")),
                            ("cgi", ("sync stay", "roster 100"))):
            wanted = [what for what in whats if f"{mode} {what}".startswith(only)]
            for journal in ("wal", "truncate") if wanted else ():
                self.add_instance(mode, journal, journal, self.programs)
                if self.before:
                    self.add_instance(mode, journal, f"old-{journal}", self.before)
            self.operations += [Operation(mode, what) for what in wanted]
        if not self.operations:
            raise Missing(f"no row begins with '{only}'")
        for op in self.operations:
            for label in self.yardsticks(op):
                self.add_yardstick(op, label)
        self.start_lighttpd()
        for instance in self.instances:
            instance.fill(self.web)
        for op in self.operations:
            self.record(op)

    # processes

    def spawn(self, command, listen=None, **env):
        child = subprocess.Popen(command, stdin=listen or subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                 stderr=open(self.folder / "log", "ab"), env={**os.environ, **env})
        self.children.append(child)
        return child

    def fastcgi(self, name, program, **env):
        listen = socket.socket(socket.AF_UNIX)
        listen.bind(str(self.folder / f"{name}.sock"))
        listen.listen(1024)
        self.sockets.append(listen)
        return self.spawn([program], listen, **env)

    def close(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            try:
                child.wait(3)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for listen in self.sockets:
            listen.close()

    def log(self):
        with open(self.folder / "log", encoding="utf-8", errors="replace") as file:
            return file.read()[-2000:]

    # what runs

    def add_instance(self, mode, journal, label, programs):
        name = f"{mode}-{label}"
        program = programs[mode]["polycircle"]
        base = f"/{name}/" if mode == "fastcgi" else f"/{name}/program.cgi/"
        instance = Instance(self.folder / f"data-{name}", program, mode, journal, label, base)
        instance.process = None
        if mode == "fastcgi":
            instance.process = self.fastcgi(name, program, POLYCIRCLE_DATA=str(instance.data))
        self.locations[name] = (mode, program, {"POLYCIRCLE_DATA": instance.data})
        self.instances.append(instance)

    @staticmethod
    def yardsticks(op):
        """hello comes first. What writes by FastCGI has the upsert, too."""
        return ("hello", "upsert") if op.mode == "fastcgi" and op.what in ("sync join", "sync mail") else ("hello",)

    @staticmethod
    def yardstick_name(op, label):
        return f"{op.mode}-{label}-{op.what.replace(' ', '-')}"

    def add_yardstick(self, op, label):
        name = self.yardstick_name(op, label)
        answer = self.folder / f"{name}.answer"
        answer.write_bytes(b"Status: 200 OK\r\n\r\n")  # until record() knows better
        self.locations[name] = (op.mode, self.programs[op.mode][label], {"HELLO_ANSWER": answer})

    def start_lighttpd(self):
        config = [f'server.port = {self.port}', 'server.bind = "127.0.0.1"', f'server.document-root = "{self.folder}"',
                  'server.modules = ("mod_alias", "mod_setenv", "mod_fastcgi", "mod_cgi", "mod_extforward")',
                  'server.max-keep-alive-requests = 100000000', 'server.max-connections = 512',
                  f'server.errorlog = "{self.folder}/log"', 'extforward.forwarder = ("127.0.0.1" => "trust")']
        for name, (mode, program, env) in self.locations.items():
            if mode == "fastcgi":
                config.append(f'fastcgi.server += ("/{name}" => (("socket" => "{self.folder}/{name}.sock",'
                              ' "check-local" => "disable")))')
                continue
            (self.folder / name).mkdir()
            os.link(program, self.folder / name / "program.cgi")
            pairs = ", ".join(f'"{key}" => "{value}"' for key, value in env.items())
            config.append(f'$HTTP["url"] =~ "^/{name}/" {{ cgi.assign = (".cgi" => "")\n'
                          f' setenv.set-environment = ({pairs}) }}')
        (self.folder / "lighttpd.conf").write_text("\n".join(config) + "\n", encoding="utf-8")
        self.lighttpd = self.spawn(["lighttpd", "-D", "-f", self.folder / "lighttpd.conf"])
        deadline = time.monotonic() + 10
        while socket.socket().connect_ex(("127.0.0.1", self.port)) != 0:
            if self.lighttpd.poll() is not None or time.monotonic() > deadline:
                raise Missing(f"lighttpd did not start\n{self.log()}")
            time.sleep(0.05)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def web(self, path, body=None, visitor="10.255.255.255"):
        headers = {"Host": "127.0.0.1", "X-Forwarded-For": visitor}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request("POST" if body else "GET", path, body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.getheader("Server-Timing"), answer.read()

    # requests

    def lines(self, side, seconds):
        """(METHOD, path, [(visitor, body)], each line only once?)"""
        i = side.instance or self.instance_of(side.mode)
        if side.what == "roster 100":
            return "GET", f"roster/{i.circles['roster']['cid']}.json", [("10.0.0.1", "")], False
        if side.what == "sync stay":
            me = i.signals[0]
            return "POST", "sync", [(address(0), wire({"token": me["token"], "cursor": me["cursor"]}))], False
        n = 24000 * seconds
        if side.what == "sync mail":
            from_, to = i.postmen[::2], i.postmen[1::2]
            n = min(n, 60 * len(to))  # a mailbox holds 64, few of one network: each round has other pairs
            mail = [{"id": secrets.token_hex(6), "re": "offer1", "to": to[(k + k // len(from_)) % len(to)]["sig"], "body": "b" * 120}
                    for k in range(n)]
            return "POST", "sync", [(address(1000), wire({"token": from_[k % len(from_)]["token"],
                                                          "cursor": from_[k % len(from_)]["cursor"],
                                                          "mail": [mail[k]]})) for k in range(n)], True
        self.seen += n
        return "POST", "sync", [(address(self.seen + k), wire({"token": secrets.token_hex(32),
                                                               "key": i.key(f"nursery{k % NURSERIES}")}))
                                for k in range(n)], True

    def instance_of(self, mode):
        return next(i for i in self.instances if i.mode == mode)

    def write_requests(self, side, seconds):
        method, path, lines, once = self.lines(side, seconds)
        side.requests = str(self.folder / "requests")
        side.once = len(lines) if once and side.instance else 0
        with open(side.requests, "w", encoding="ascii") as file:
            file.write(f"{method} {side.url}{path}\n")
            file.writelines(f"{visitor} {body}\n" for visitor, body in lines)

    def prepare(self, side, seconds):
        self.connection.close()  # lighttpd ends idle ones; it opens again by itself
        if side.instance:
            side.instance.refresh(self.web)
            if side.once:
                side.instance.forget()
        self.write_requests(side, seconds)

    def record(self, op):
        """The hello learns the bytes that polycircle answers, from polycircle as CGI; then it is started."""
        instance = self.instance_of(op.mode)
        probe = Side("probe", "", op.mode, op.what, instance.base, instance)
        method, path, lines, _ = self.lines(probe, 1)
        visitor, body = lines[0]
        env = {"REQUEST_METHOD": method, "PATH_INFO": "/" + path, "SCRIPT_NAME": instance.base, "REMOTE_ADDR": visitor,
               "HTTP_HOST": "127.0.0.1", "CONTENT_LENGTH": str(len(body)), "POLYCIRCLE_DATA": str(instance.data),
               "CONTENT_TYPE": "application/x-www-form-urlencoded"}
        done = subprocess.run([instance.program], input=body.encode(), capture_output=True, env=env, timeout=30,
                              check=False)
        self.check_answer(op, done.stdout)
        for label in self.yardsticks(op):
            self.start_yardstick(op, label, done.stdout)
        for instance in self.instances:
            if instance.mode == op.mode:
                op.sides.append(Side(f"{op.mode} {op.what} {instance.label}", instance.label, op.mode, op.what,
                                     instance.base, instance, process=instance.process,
                                     once=int(op.what in ("sync join", "sync mail"))))

    def start_yardstick(self, op, label, answer):
        name, process = self.yardstick_name(op, label), None
        file = self.folder / f"{name}.answer"
        file.write_bytes(answer)
        if op.mode == "fastcgi":
            process = self.fastcgi(name, self.programs["fastcgi"][label], HELLO_ANSWER=str(file),
                                   UPSERT_FILE=str(self.folder / f"{name}.db"))
        base = f"/{name}/" if op.mode == "fastcgi" else f"/{name}/program.cgi/"
        op.sides.append(Side(f"{op.mode} {op.what} {label}", label, op.mode, op.what, base, process=process))

    @staticmethod
    def check_answer(op, answer):
        timing = {"sync stay": b"read", "sync join": b"write", "sync mail": b"write"}.get(op.what, b"")
        wanted = b"Server-Timing: " + timing if timing else b'"polycircle":1'
        head, _, body = answer.partition(b"\r\n\r\n")
        if b"Status: 200" not in head or wanted not in answer:
            raise Missing(f"{op.what}: an unexpected answer: {answer[:600]}")
        if op.what == "roster 100" and len(json.loads(body)["signals"]) != ROSTER:
            raise Missing("the roster does not hold 100 signals")

    # what it costs

    def cpu_us(self, side):
        """Of the FastCGI process, or of all the CGI programs that lighttpd has waited for."""
        if side.process:
            with open(f"/proc/{side.process.pid}/schedstat", encoding="ascii") as file:
                return int(file.read().split()[0]) / 1000
        return sum(self.lighttpd_ticks()[2:]) * TICK_US

    def server_us(self):
        """Of lighttpd itself."""
        return sum(self.lighttpd_ticks()[:2]) * TICK_US

    def lighttpd_ticks(self):
        """Its own time, and that of the programs that it has waited for: user, system, user, system."""
        with open(f"/proc/{self.lighttpd.pid}/stat", encoding="ascii") as file:
            return [int(field) for field in file.read().rpartition(")")[2].split()[11:15]]

    def resident_kb(self, side):
        if side.process:
            return status_kb(read_status(side.process.pid), "VmRSS")
        return self.cgi_peak_kb(side)

    def cgi_peak_kb(self, side):
        """A CGI program does not stay. Its peak when it answers /roster: held by a pipe that is full."""
        instance = side.instance or self.instance_of("cgi")
        cid = instance.circles["roster"]["cid"]
        env = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/roster/{cid}.json", "HTTP_HOST": "127.0.0.1",
               "POLYCIRCLE_DATA": str(instance.data),
               "HELLO_ANSWER": str(next(iter(self.folder.glob("cgi-hello-*.answer"))))}
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        program = instance.program if side.instance else self.programs["cgi"]["hello"]
        child = subprocess.Popen([program], env=env, stdin=subprocess.DEVNULL, stdout=writer)
        status = await_sleep(child.pid)
        os.close(writer)
        os.close(reader)  # and it ends: there is nobody to write to
        child.wait(10)
        return status_kb(status, "VmHWM")
