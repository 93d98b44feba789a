"""INFO's section about memory. Fields of what is not here (Lua, functions, replication) say zero, as in ``info_sections.py``."""

from collections.abc import Iterable

from .accounting import human_size, memory_figures
from .info_sections import lines_of
from .node import Node


def memory(node: Node) -> Iterable[str]:
    return (*_memory_in_use(node), *_memory_limits(node), *_memory_of_the_process(node))


def _memory_in_use(node: Node) -> Iterable[str]:
    figures = memory_figures(node)
    total = int(node.host.facts().get("total_system_memory", "0"))
    dataset_share = figures.payload_bytes / max(figures.used_bytes, 1)
    fields: dict[str, object] = {
        "used_memory": figures.used_bytes,
        "used_memory_human": human_size(figures.used_bytes),
        "used_memory_rss": figures.resident_bytes,
        "used_memory_rss_human": human_size(figures.resident_bytes),
        "used_memory_peak": figures.peak_bytes,
        "used_memory_peak_human": human_size(figures.peak_bytes),
        "used_memory_peak_perc": f"{100 * figures.used_bytes / max(figures.peak_bytes, 1):.2f}%",
        "used_memory_overhead": figures.overhead_bytes,
        "used_memory_startup": 0,
        "used_memory_dataset": figures.payload_bytes,
        "used_memory_dataset_perc": f"{100 * dataset_share:.2f}%",
        "allocator_allocated": figures.used_bytes,
        "allocator_active": figures.resident_bytes,
        "allocator_resident": figures.resident_bytes,
        "total_system_memory": total,
        "total_system_memory_human": human_size(total),
    }
    return lines_of(fields)


def _memory_limits(node: Node) -> Iterable[str]:
    fields: dict[str, object] = dict.fromkeys(("used_memory_lua", "used_memory_vm_eval"), 0)
    fields["used_memory_lua_human"] = "0B"
    fields |= dict.fromkeys(
        (
            "used_memory_scripts_eval",
            "number_of_cached_scripts",
            "number_of_functions",
            "number_of_libraries",
            "used_memory_vm_functions",
            "used_memory_vm_total",
        ),
        0,
    )
    fields |= {
        "used_memory_vm_total_human": "0B",
        "used_memory_functions": 0,
        "used_memory_scripts": 0,
        "used_memory_scripts_human": "0B",
        "maxmemory": node.settings.maxmemory_bytes,
        "maxmemory_human": human_size(node.settings.maxmemory_bytes),
        "maxmemory_policy": node.settings.maxmemory_policy,
    }
    return lines_of(fields)


def _memory_of_the_process(node: Node) -> Iterable[str]:
    figures = memory_figures(node)
    ratio = f"{figures.fragmentation_ratio:.2f}"
    return lines_of(
        {
            "allocator_frag_ratio": ratio,
            "allocator_frag_bytes": figures.fragmentation_bytes,
            "allocator_rss_ratio": "1.00",
            "allocator_rss_bytes": 0,
            "rss_overhead_ratio": "1.00",
            "rss_overhead_bytes": 0,
            "mem_fragmentation_ratio": ratio,
            "mem_fragmentation_bytes": figures.fragmentation_bytes,
            "mem_not_counted_for_evict": figures.beside_bytes,
            "mem_replication_backlog": 0,
            "mem_total_replication_buffers": figures.unacknowledged_bytes,
            "mem_clients_slaves": 0,
            "mem_clients_normal": figures.clients_bytes,
            "mem_cluster_links": 0
            if node.cluster is None
            else sum(link.queued_bytes for link in node.cluster.links()),
            "mem_aof_buffer": 0,
            "mem_allocator": "python",
            "active_defrag_running": 0,
            "lazyfree_pending_objects": 0,
            "lazyfreed_objects": 0,
            "peak_rss": node.host.peak_resident_bytes(),
            "mem_cluster_copies": figures.copies_bytes,
        }
    )
