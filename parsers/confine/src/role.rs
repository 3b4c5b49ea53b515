//! Which process may call what. A list of what is allowed where we know the whole program; of what is not where an
//! engine or a dissector of somebody else's runs, which calls what it likes within reason.

use libc::{c_long, *};

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Dissects and judges: no process, no network, no other's memory.
    Sensor,
    /// Owns the sockets of interfaces: opens those, answers, and ends.
    Listener,
    /// Keeps an embedded store: begins no process and reaches no machine.
    Keeper,
    /// Writes to a store on a server: begins no process.
    Writer,
    /// Runs tshark: opens no socket but those between its own processes.
    Dissector,
}

impl Role {
    /// The role of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "sensor" => Self::Sensor,
            "listener" => Self::Listener,
            "keeper" => Self::Keeper,
            "writer" => Self::Writer,
            "dissector" => Self::Dissector,
            _ => return None,
        })
    }

    /// All that it may call; `None`: what is not forbidden.
    pub(crate) fn allowed(self) -> Option<Vec<c_long>> {
        match self {
            Self::Sensor => Some([MEMORY, FILES, OLD, THREADS, TIME, WAITING, TALK, SELF].concat()),
            Self::Listener => Some([MEMORY, ENDING, &[SYS_socket, SYS_bind, SYS_ioctl, SYS_setsockopt]].concat()),
            Self::Keeper | Self::Writer | Self::Dissector => None,
        }
    }

    /// What it may not call, whatever the arguments.
    pub(crate) fn forbidden(self) -> Vec<c_long> {
        match self {
            Self::Sensor | Self::Listener => [PROCESSES, FORKS, KERNEL].concat(),
            Self::Keeper | Self::Writer => [PROCESSES, KERNEL].concat(),
            Self::Dissector => KERNEL.to_vec(),
        }
    }

    /// Families of sockets that it may open.
    pub(crate) fn families(self) -> &'static [c_int] {
        match self {
            Self::Sensor | Self::Dissector | Self::Keeper => &[AF_UNIX],
            Self::Listener => &[AF_PACKET, AF_UNIX],
            Self::Writer => &[AF_UNIX, AF_INET, AF_INET6, AF_NETLINK],
        }
    }

    /// Whether what it clones may be threads alone.
    pub(crate) fn threads_only(self) -> bool {
        matches!(self, Self::Sensor | Self::Keeper | Self::Writer)
    }
}

const MEMORY: &[c_long] = &[
    SYS_mmap,
    SYS_munmap,
    SYS_mremap,
    SYS_mprotect,
    SYS_madvise,
    SYS_brk,
    SYS_mlock,
    SYS_munlock,
    SYS_msync,
    SYS_mincore,
    SYS_membarrier,
    SYS_get_mempolicy,
    SYS_mbind,
];
const FILES: &[c_long] = &[
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_openat,
    SYS_openat2,
    SYS_close,
    SYS_close_range,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_lseek,
    SYS_getdents64,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_ftruncate,
    SYS_truncate,
    SYS_fallocate,
    SYS_renameat,
    SYS_renameat2,
    SYS_unlinkat,
    SYS_mkdirat,
    SYS_linkat,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fchmod,
    SYS_fchmodat,
    SYS_fchown,
    SYS_utimensat,
    SYS_umask,
    SYS_getcwd,
    SYS_flock,
    SYS_fcntl,
    SYS_ioctl,
    SYS_dup,
    SYS_dup3,
    SYS_pipe2,
    SYS_fadvise64,
    SYS_statfs,
    SYS_fstatfs,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_readahead,
];
/// The same by their older names, which this architecture has beside them.
#[cfg(target_arch = "x86_64")]
const OLD: &[c_long] = &[
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_unlink,
    SYS_rename,
    SYS_mkdir,
    SYS_rmdir,
    SYS_link,
    SYS_chmod,
    SYS_pipe,
    SYS_dup2,
    SYS_poll,
    SYS_select,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_getdents,
    SYS_time,
    SYS_alarm,
    SYS_getpgrp,
    SYS_arch_prctl,
    SYS_pause,
    SYS_utimes,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c_long] = &[];
const THREADS: &[c_long] = &[
    SYS_futex,
    SYS_futex_waitv,
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_rseq,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_setaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_getcpu,
    SYS_set_tid_address,
    SYS_gettid,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
];
const TIME: &[c_long] = &[
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_setitimer,
    SYS_getitimer,
    SYS_timerfd_create,
    SYS_timerfd_settime,
    SYS_timerfd_gettime,
    SYS_times,
];
const WAITING: &[c_long] = &[
    SYS_ppoll,
    SYS_pselect6,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigtimedwait,
    SYS_rt_sigsuspend,
    SYS_rt_sigpending,
    SYS_sigaltstack,
    SYS_tgkill,
];
/// Sockets are of the families that are allowed, or were opened before.
const TALK: &[c_long] = &[
    SYS_socketpair,
    SYS_connect,
    SYS_bind,
    SYS_listen,
    SYS_accept,
    SYS_accept4,
    SYS_getsockname,
    SYS_getpeername,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_sendto,
    SYS_recvfrom,
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_shutdown,
];
const SELF: &[c_long] = &[
    SYS_getpid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getgroups,
    SYS_getpgid,
    SYS_getsid,
    SYS_getrusage,
    SYS_getrlimit,
    SYS_prlimit64,
    SYS_sysinfo,
    SYS_uname,
    SYS_getrandom,
    SYS_getpriority,
    SYS_prctl,
    SYS_seccomp,
    SYS_wait4,
    SYS_waitid,
];
const ENDING: &[c_long] = &[
    SYS_sendmsg,
    SYS_recvmsg,
    SYS_getsockopt,
    SYS_close,
    SYS_write,
    SYS_futex,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_getpid,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    SYS_clock_gettime,
    SYS_getrandom,
    SYS_prctl,
    SYS_seccomp,
    SYS_fcntl,
];
/// Programs that begin.
const PROCESSES: &[c_long] = &[SYS_execve, SYS_execveat];
#[cfg(target_arch = "x86_64")]
const FORKS: &[c_long] = &[SYS_fork, SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const FORKS: &[c_long] = &[];
/// What makes more of a process than it is, or looks into another.
const KERNEL: &[c_long] = &[
    SYS_ptrace,
    SYS_process_vm_readv,
    SYS_process_vm_writev,
    SYS_pidfd_getfd,
    SYS_kcmp,
    SYS_bpf,
    SYS_perf_event_open,
    SYS_userfaultfd,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_reboot,
    SYS_swapon,
    SYS_swapoff,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_setns,
    SYS_unshare,
    SYS_open_by_handle_at,
    SYS_add_key,
    SYS_request_key,
    SYS_keyctl,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_acct,
    SYS_quotactl,
    SYS_syslog,
    SYS_io_uring_setup,
    SYS_io_uring_enter,
    SYS_io_uring_register,
];
