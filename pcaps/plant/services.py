"""Servers of the enterprise zone, as Debian has them: names, time, files, shells, desktops.

They are started on the host `server` (or another one), inside its namespace, with settings of their own; nothing
of the machine's own configuration is read. vsftpd, sshd, smbd and xrdp need their packages installed.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from equipment import Equipment, Process
from layout import ADDRESS


class Services(Equipment):
    """An equipped plant that has an office."""

    def files(self, host: str = "server", *, anybody: tuple[Path, ...] = ()) -> None:
        """FTP (21) and HTTP (8081) of a file server. Logins that no account of this machine has are refused, but
        `anybody` may fetch these files."""
        folder = self.scratch / "files"
        folder.mkdir(exist_ok=True)
        (folder / "line1.cfg").write_text("line1 = pump\nspeed = 1450\n")
        empty = self.scratch / "empty"
        empty.mkdir(exist_ok=True)
        public = self.scratch / "public"
        public.mkdir(mode=0o755, exist_ok=True)
        for file in anybody:
            (public / file.name).write_bytes(file.read_bytes())
        self.scratch.chmod(0o711)  # the server of anonymous logins is the user ftp
        settings = self.scratch / "vsftpd.conf"
        settings.write_text(
            f"listen=YES\nlisten_ipv6=NO\nlisten_address={ADDRESS[host]}\nbackground=NO\nlocal_enable=YES\n"
            f"anonymous_enable={'YES' if anybody else 'NO'}\nanon_root={public}\nftp_username=ftp\n"
            f"secure_chroot_dir={empty}\nxferlog_enable=NO\nseccomp_sandbox=NO\n"
        )
        process = self.spawn(host, "vsftpd", settings)
        self.listening(process, 21)
        web = self.python(host, "web.py", ADDRESS[host], 8081, folder)
        self.listening(web, 8081)

    def names_and_time(self) -> None:
        """DNS (dnsmasq) and NTP (chrony)."""
        hosts = self.scratch / "hosts"
        hosts.write_text("".join(f"{a} {n}.plant.example\n" for n, a in ADDRESS.items()))
        self.spawn("server", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}",
                   f"--listen-address={ADDRESS['server']}", "--bind-interfaces", "--user=root", "--conf-file=/dev/null",
                   f"--pid-file={self.scratch / 'dnsmasq.pid'}")  # fmt: skip
        settings = self.scratch / "chrony.conf"
        settings.write_text(f"local stratum 3\nallow 10.0.0.0/8\ncmdport 0\nbindaddress {ADDRESS['server']}\n"
                            f"pidfile {self.scratch / 'chronyd.pid'}\n")  # fmt: skip
        self.spawn("server", "chronyd", "-d", "-x", "-U", "-u", "root", "-f", settings)

    def ask(self, host: str, name: str = "broker") -> None:
        """One question for a name and one for the time."""
        self.done(self.python(host, "office.py", "dns", ADDRESS["server"], f"{name}.plant.example"))
        self.done(self.python(host, "office.py", "ntp", ADDRESS["server"]))

    def shell(self, host: str) -> Process:
        """sshd; `key` lets in."""
        key = self.key
        settings = self.scratch / f"sshd-{host}.conf"
        own = self.scratch / f"host-{host}"
        if not own.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(own)], check=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        settings.write_text(
            f"Port 22\nListenAddress {ADDRESS[host]}\nHostKey {own}\nAuthorizedKeysFile {key}.pub\nStrictModes no\n"
            f"PermitRootLogin prohibit-password\nUsePAM no\nPidFile {self.scratch / f'sshd-{host}.pid'}\n"
            "PasswordAuthentication no\nAllowTcpForwarding yes\nPrintMotd no\nSubsystem sftp internal-sftp\n"
        )
        process = self.spawn(host, "/usr/sbin/sshd", "-D", "-e", "-f", settings)
        self.listening(process, 22)
        return process

    @property
    def key(self) -> Path:
        file = self.scratch / "id"
        if not file.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
        return file

    def ssh(self, source: str, target: str, *more: object) -> Process:
        """An ssh client; `more` are its options and what to run there."""
        return self.spawn(source, "ssh", "-F", "/dev/null", "-i", self.key, "-o", "StrictHostKeyChecking=no", "-o",
                          "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10",
                          f"root@{ADDRESS[target]}", *more)  # fmt: skip

    def desktop(self, host: str = "server") -> Process:
        """xrdp, encrypted; there is no session behind it, so nobody can log in."""
        certificate, key = self.authority.issue(host, kind="rsa")
        settings = self.scratch / "xrdp.ini"
        settings.write_text(
            f"[Globals]\nini_version=1\nfork=false\nport=tcp://{ADDRESS[host]}:3389\nsecurity_layer=tls\ncrypt_level=high\n"
            f"certificate={certificate}\nkey_file={key}\nssl_protocols=TLSv1.2, TLSv1.3\nmax_bpp=32\n"
            f"[Logging]\nLogFile={self.scratch / 'xrdp.log'}\nLogLevel=INFO\nEnableSyslog=false\n[Channels]\n"
            "[Xorg]\nname=Xorg\nlib=libxup.so\nusername=ask\npassword=ask\nip=127.0.0.1\nport=-1\ncode=20\n"
        )
        process = self.spawn(host, "xrdp", "--nodaemon", "--config", settings)
        self.listening(process, 3389)
        return process

    def share(self, host: str = "server") -> Process:
        """smbd with one share that guests may read and write."""
        folder, state = self.scratch / "share", self.scratch / "samba"
        for made in (folder, state):
            made.mkdir(exist_ok=True)
        folder.chmod(0o777)
        settings = self.scratch / "smb.conf"
        places = "".join(f"{n} directory = {state}\n" for n in ("lock", "state", "cache", "private", "pid"))
        settings.write_text(
            f"[global]\ninterfaces = {ADDRESS[host]}\nbind interfaces only = yes\nsmb ports = 445\nmap to guest = bad user\n"
            f"guest account = root\ndisable netbios = yes\nlog file = {state}/log\n{places}"
            f"[plans]\npath = {folder}\nguest ok = yes\nread only = no\n"
        )
        process = self.spawn(host, "smbd", "--foreground", "--no-process-group", "-s", settings)
        self.listening(process, 445)
        return process
