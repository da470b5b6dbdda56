"""What the simulated tenants run: safe calls beside each other, one with a key, two without, one to undo."""

from __future__ import annotations

from typing import Final

TENANTS: Final = ("acme", "globex")
ORDER: Final = """
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: quote}
spec:
  type: http
  request: {method: GET, url: "http://127.0.0.1/quote", query: {tenant: "{{tenant.name}}"}}
  timeout: 2s
  retry: {maxAttempts: 2, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: charge}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/charge"
    headers: {Idempotency-Key: "{{execution.id}}-charge"}
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 3, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: ship}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/ship"
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 2, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {name: refund}
spec:
  type: http
  request:
    method: POST
    url: "http://127.0.0.1/refund"
    headers: {Idempotency-Key: "{{execution.id}}-refund"}
    body: {execution: "{{execution.id}}", tenant: "{{tenant.name}}"}
  timeout: 2s
  retry: {maxAttempts: 5, initialDelay: 100ms, jitter: true}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {name: order}
spec:
  input: {type: object, required: [item], properties: {item: {type: string}}}
  deadline: 20s
  tasks:
    - {id: quote, taskRef: quote}
    - {id: stock, taskRef: quote}
    - {id: charge, taskRef: charge, dependsOn: [quote], compensate: {taskRef: refund}}
    - {id: ship, taskRef: ship, dependsOn: [charge, stock]}
    - {id: tell, taskRef: ship, dependsOn: [charge], optional: true}
  output: {item: "{{input.item}}", tenant: "{{tenant.name}}", execution: "{{execution.id}}"}
"""
