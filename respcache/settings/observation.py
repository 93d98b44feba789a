"""Settings of the log, the slow log and latency measurements."""

from .kinds import LONG_MAX, Choice, Integer, Text, YesNo
from .parameter import Parameter, Section
from .percentiles import Percentiles


class Observation(Section, title="Observation"):
    """What the server writes down."""

    loglevel = Parameter(
        "loglevel",
        Choice("debug", "verbose", "notice", "warning"),
        "notice",
        doc="Least important messages that are logged.",
        reason="As Redis: what an operator wants to have seen.",
    )
    logfile = Parameter(
        "logfile",
        Text(),
        "",
        mutable=False,
        doc="File to append the log to; empty for standard error.",
        reason="Containers and service managers collect standard error.",
    )
    log_format = Parameter(
        "log-format",
        Choice("auto", "human", "json"),
        "auto",
        mutable=False,
        doc="Log lines for people or as JSON; auto writes for people on a terminal and JSON elsewhere.",
        reason="Whoever looks at a terminal is a person, whoever collects a stream is a program.",
    )
    slowlog_log_slower_than_us = Parameter(
        "slowlog-log-slower-than",
        Integer(-1, LONG_MAX),
        10000,
        doc="Commands that take so many microseconds or more enter the slow log; 0 is all of them, -1 none.",
        reason="As Redis: ten milliseconds are felt by everybody who waits behind.",
    )
    slowlog_max_len = Parameter(
        "slowlog-max-len",
        Integer(0, LONG_MAX),
        128,
        doc="Entries that the slow log keeps.",
        reason="As Redis: enough to see a pattern, little memory.",
    )
    latency_monitor_threshold_ms = Parameter(
        "latency-monitor-threshold",
        Integer(0, LONG_MAX),
        0,
        doc="Remember what took so many milliseconds or more for LATENCY; 0 is off.",
        reason="As Redis: off until somebody looks for a cause.",
    )
    latency_tracking = Parameter(
        "latency-tracking",
        YesNo(),
        True,
        doc="Keep a histogram of each command's latency for INFO latencystats and LATENCY HISTOGRAM.",
        reason="As Redis: cheap, and too late to switch on when it is needed.",
    )
    latency_tracking_info_percentiles = Parameter(
        "latency-tracking-info-percentiles",
        Percentiles(),
        (50.0, 99.0, 99.9),
        doc="Percentiles that INFO latencystats shows.",
        reason="As Redis: the usual, the bad and the worst.",
    )
