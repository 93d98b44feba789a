"""What tools ask of a Redis server and respcache has no choice about: each with the value that is true.

Redis tools, exporters and client suites read these and some set them to what they
already are, which succeeds. Anything else is refused rather than believed. A setting
of Redis that is missing here would need an answer that is not true, or not useful.
"""

from typing import Final

from .kinds import Fixed
from .parameter import Parameter, Section

FILE: Final = "respcache is a cache: it keeps nothing on disk."
SINGLE: Final = "A respcache server has no replicas and is none."
THREADS: Final = "respcache serves from one thread, in the foreground, under whatever supervises it."
FREEING: Final = "Values are freed at once, by whoever deletes them."


def _fixed(name: str, truth: str, reason: str, doc: str, *, mutable: bool = True) -> Parameter[str]:
    """``mutable`` as in Redis: it decides in which words a client is refused."""
    return Parameter(name, Fixed(truth), truth, doc=doc, reason=reason, mutable=mutable)


class Compatibility(Section, title="Compatibility"):
    """Settings of Redis with only one possible value here."""

    save = _fixed("save", "", FILE, "When snapshots are saved: never.")
    dbfilename = _fixed("dbfilename", "", FILE, "Name of the snapshot.", mutable=False)
    appendonly = _fixed("appendonly", "no", FILE, "Whether writes go to an append-only file.")
    appendfsync = _fixed("appendfsync", "no", FILE, "When that file is flushed.")
    no_appendfsync_on_rewrite = _fixed(
        "no-appendfsync-on-rewrite", "no", FILE, "Whether flushing pauses while the file is rewritten."
    )
    auto_aof_rewrite_percentage = _fixed(
        "auto-aof-rewrite-percentage", "0", FILE, "Growth after which that file is rewritten; 0 is never."
    )
    stop_writes_on_bgsave_error = _fixed(
        "stop-writes-on-bgsave-error", "no", FILE, "Whether a failed snapshot stops writes."
    )
    pidfile = _fixed("pidfile", "", THREADS, "File that holds the process id; empty for none.", mutable=False)
    aclfile = _fixed("aclfile", "", "There is one user, default.", "File of users.", mutable=False)

    replicaof = Parameter(
        "replicaof",
        Fixed(""),
        "",
        mutable=False,
        aliases=("slaveof",),
        doc="Server of which this one is a replica; empty for none.",
        reason=SINGLE,
    )
    min_replicas_to_write = Parameter(
        "min-replicas-to-write",
        Fixed("0"),
        "0",
        aliases=("min-slaves-to-write",),
        doc="Replicas that must be connected for writes.",
        reason=SINGLE,
    )

    daemonize = _fixed("daemonize", "no", THREADS, "Whether to go into the background.", mutable=False)
    supervised = _fixed(
        "supervised", "no", THREADS, "Which supervisor is told about the start.", mutable=False
    )
    io_threads = _fixed("io-threads", "1", THREADS, "Threads for reading and writing.", mutable=False)
    io_threads_do_reads = _fixed(
        "io-threads-do-reads", "no", THREADS, "Whether further threads read.", mutable=False
    )
    set_proc_title = _fixed(
        "set-proc-title", "no", THREADS, "Whether to change the name of the process.", mutable=False
    )
    always_show_logo = _fixed(
        "always-show-logo", "no", "There is none.", "Whether to log a logo.", mutable=False
    )
    syslog_enabled = _fixed("syslog-enabled", "no", THREADS, "Whether to log to syslog.", mutable=False)
    crash_log_enabled = _fixed(
        "crash-log-enabled", "no", "Python's traceback says more.", "Whether a crash dumps registers."
    )
    oom_score_adj = _fixed(
        "oom-score-adj", "no", THREADS, "Whether to change the process' standing with the OOM killer."
    )

    hz = _fixed("hz", "10", "Expired keys are removed within 100 ms.", "Background rounds per second.")
    dynamic_hz = _fixed("dynamic-hz", "no", "See hz.", "Whether hz grows with the number of clients.")
    activedefrag = _fixed("activedefrag", "no", FREEING, "Whether memory is defragmented in the background.")
    lazyfree_lazy_eviction = _fixed(
        "lazyfree-lazy-eviction", "no", FREEING, "Whether evicted values are freed later."
    )
    lazyfree_lazy_expire = _fixed(
        "lazyfree-lazy-expire", "no", FREEING, "Whether expired values are freed later."
    )
    lazyfree_lazy_server_del = _fixed(
        "lazyfree-lazy-server-del", "no", FREEING, "Whether replaced values are freed later."
    )
    lazyfree_lazy_user_del = _fixed(
        "lazyfree-lazy-user-del", "no", FREEING, "Whether DEL frees values later."
    )
    lazyfree_lazy_user_flush = _fixed(
        "lazyfree-lazy-user-flush", "no", FREEING, "Whether FLUSHALL frees values later."
    )

    tls_replication = _fixed(
        "tls-replication", "no", SINGLE, "Whether TLS is spoken with a replicated server."
    )
    tls_cluster = _fixed(
        "tls-cluster",
        "no",
        "Nodes encrypt with cluster-secret, or by cluster-tls-cert-file and its kin.",
        "Whether Redis Cluster's bus speaks TLS.",
    )
    tls_session_caching = _fixed(
        "tls-session-caching",
        "yes",
        "OpenSSL does so, and clients that come back save half of a handshake.",
        "Whether clients may go on with the keys of an earlier connection.",
    )
    enable_module_command = _fixed(
        "enable-module-command", "no", "There are no modules.", "Whether MODULE may be used.", mutable=False
    )
    enable_protected_configs = _fixed(
        "enable-protected-configs",
        "no",
        "What is fixed at the start stays fixed.",
        "Whether protected settings may be changed.",
        mutable=False,
    )
