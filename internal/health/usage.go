package health

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/kube"
)

// Usage is what the cluster's nodes and pods take, in bytes.
type Usage struct {
	Nodes []NodeUsage `json:"nodes"`
	// Namespaces are sorted by memory, the largest first.
	Namespaces []NamespaceUsage `json:"namespaces,omitempty"`
}

// NodeUsage is one node; numbers that nobody tells are 0.
type NodeUsage struct {
	Name           string `json:"name"`
	Ready          bool   `json:"ready"`
	Reason         string `json:"reason,omitempty"` // why it is not ready, or what it is short of
	Version        string `json:"version"`
	MemoryCapacity int64  `json:"memoryCapacity"`
	MemoryUsed     int64  `json:"memoryUsed"` // working set of everything on the node
	DiskCapacity   int64  `json:"diskCapacity"`
	DiskUsed       int64  `json:"diskUsed"`
}

// NamespaceUsage is the pods of one namespace.
type NamespaceUsage struct {
	Namespace string `json:"namespace"`
	Pods      int    `json:"pods"`
	Memory    int64  `json:"memory"` // working set
}

// kubeletSummary is the part of the kubelet's /stats/summary that is used here.
type kubeletSummary struct {
	Node struct {
		Memory struct {
			WorkingSetBytes int64 `json:"workingSetBytes"`
		} `json:"memory"`
		FS struct {
			CapacityBytes  int64 `json:"capacityBytes"`
			AvailableBytes int64 `json:"availableBytes"`
		} `json:"fs"`
	} `json:"node"`
	Pods []struct {
		PodRef struct {
			Namespace string `json:"namespace"`
		} `json:"podRef"`
		Memory struct {
			WorkingSetBytes int64 `json:"workingSetBytes"`
		} `json:"memory"`
	} `json:"pods"`
}

// ReadUsage asks each node's kubelet, and, where a cluster does not allow that, the metrics API.
func ReadUsage(ctx context.Context, c *kube.Client) (Usage, error) {
	nodes, err := c.Core.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return Usage{}, fmt.Errorf("list nodes: %w", err)
	}
	var usage Usage
	namespaces := map[string]*NamespaceUsage{}
	for i := range nodes.Items {
		n := nodeUsage(&nodes.Items[i])
		summary, err := readSummary(ctx, c, n.Name)
		if err != nil {
			n.MemoryUsed = metricsMemory(ctx, c, n.Name)
		} else {
			n.MemoryUsed = summary.Node.Memory.WorkingSetBytes
			n.DiskCapacity = summary.Node.FS.CapacityBytes
			n.DiskUsed = summary.Node.FS.CapacityBytes - summary.Node.FS.AvailableBytes
		}
		usage.Nodes = append(usage.Nodes, n)
		for _, pod := range summary.Pods {
			ns := namespaces[pod.PodRef.Namespace]
			if ns == nil {
				ns = &NamespaceUsage{Namespace: pod.PodRef.Namespace}
				namespaces[ns.Namespace] = ns
			}
			ns.Pods++
			ns.Memory += pod.Memory.WorkingSetBytes
		}
	}
	for _, ns := range namespaces {
		usage.Namespaces = append(usage.Namespaces, *ns)
	}
	slices.SortFunc(usage.Namespaces, func(a, b NamespaceUsage) int {
		if a.Memory != b.Memory {
			return int(b.Memory - a.Memory)
		}
		return strings.Compare(a.Namespace, b.Namespace)
	})
	return usage, nil
}

func nodeUsage(node *corev1.Node) NodeUsage {
	n := NodeUsage{Name: node.Name, Version: node.Status.NodeInfo.KubeletVersion, MemoryCapacity: node.Status.Capacity.Memory().Value()}
	for _, c := range node.Status.Conditions {
		switch {
		case c.Type == corev1.NodeReady:
			n.Ready = c.Status == corev1.ConditionTrue
			if !n.Ready {
				n.Reason = c.Message
			}
		case c.Status == corev1.ConditionTrue && n.Reason == "":
			n.Reason = c.Message
		}
	}
	return n
}

func readSummary(ctx context.Context, c *kube.Client, node string) (kubeletSummary, error) {
	var summary kubeletSummary
	raw, err := c.Core.CoreV1().RESTClient().Get().Resource("nodes").Name(node).SubResource("proxy").Suffix("stats/summary").DoRaw(ctx)
	if err != nil {
		return summary, err
	}
	return summary, json.Unmarshal(raw, &summary)
}

// metricsMemory is the node's memory in use as the metrics API has it, 0 where there is none.
func metricsMemory(ctx context.Context, c *kube.Client, node string) int64 {
	nodes := schema.GroupVersionResource{Group: "metrics.k8s.io", Version: "v1beta1", Resource: "nodes"}
	live, err := c.Dynamic.Resource(nodes).Get(ctx, node, metav1.GetOptions{})
	if err != nil {
		return 0
	}
	usage, _ := live.Object["usage"].(map[string]any)
	text, _ := usage["memory"].(string)
	quantity, err := resource.ParseQuantity(text)
	if err != nil {
		return 0
	}
	return quantity.Value()
}
