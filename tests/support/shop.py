"""Workflows on the test API that go wrong on demand: one for each way to go wrong."""

from __future__ import annotations


def shop_documents(address: str) -> str:
    """Tasks and workflows of a tenant whose upstream is the test API at that address."""
    return f"""
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: fetch-user, labels: {{team: identity}}}}
spec:
  type: http
  inputSchema: {{type: object, required: [id], properties: {{id: {{type: integer}}}}}}
  outputSchema:
    type: object
    required: [id, name]
    properties: {{id: {{type: integer}}, name: {{type: string}}}}
  request:
    method: GET
    url: "{address}/users/{{{{input.id}}}}"
    query: {{expand: "{{{{input.expand ?? 'none'}}}}"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: faulty}}
spec:
  type: http
  request:
    method: GET
    url: "{address}/users/1"
    query:
      fail: "{{{{input.fail ?? null}}}}"
      retryAfter: "{{{{input.retryAfter ?? null}}}}"
      hang: "{{{{input.hang ?? null}}}}"
      reset: "{{{{input.reset ?? null}}}}"
      body: "{{{{input.body ?? null}}}}"
      size: "{{{{input.size ?? null}}}}"
      gzipBomb: "{{{{input.gzipBomb ?? null}}}}"
      times: "{{{{input.times ?? null}}}}"
      key: "{{{{input.key ?? null}}}}"
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: charge}}
spec:
  type: http
  request:
    method: POST
    url: "{address}/payments"
    headers: {{Authorization: "Bearer of something secret"}}
    body: {{orderId: "{{{{input.orderId}}}}", amountCents: 100, currency: EUR, card: tok_visa}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: inner}}
spec: {{type: http, request: {{method: GET, url: "http://10.0.0.1/"}}}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: broken-schema}}
spec:
  type: http
  outputSchema: {{type: object, required: [unheardOf], properties: {{unheardOf: {{type: string}}}}}}
  request: {{method: GET, url: "{address}/users/1"}}
---
apiVersion: workflow.io/v1
kind: WorkflowTask
metadata: {{name: greet}}
spec: {{type: transform, value: {{greeting: "Hello {{{{input.name}}}}"}}}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: welcome, labels: {{team: growth}}}}
spec:
  description: Greets a user by name
  input:
    type: object
    required: [userId]
    properties: {{userId: {{type: integer}}, note: {{type: string}}}}
  tasks:
    - {{id: user, taskRef: fetch-user, input: {{id: "{{{{input.userId}}}}"}}}}
    - {{id: words, taskRef: greet, input: {{name: "{{{{tasks.user.output.name}}}}"}}}}
  output: {{greeting: "{{{{tasks.words.output.greeting}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: unlucky}}
spec:
  tasks: [{{id: call, taskRef: faulty, input: "{{{{input}}}}", timeout: 5s}}]
  output: "{{{{tasks.call.output}}}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: patient}}
spec:
  tasks:
    - {{id: call, taskRef: faulty, input: "{{{{input}}}}", retry: {{maxAttempts: 3, initialDelay: 1ms}}}}
  output: "{{{{tasks.call.output.id}}}}"
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: hurried}}
spec:
  deadline: 60ms
  tasks: [{{id: call, taskRef: faulty, input: "{{{{input}}}}"}}]
  output: done
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: impatient}}
spec:
  tasks: [{{id: call, taskRef: faulty, input: "{{{{input}}}}", timeout: 50ms}}]
  output: done
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: buy}}
spec:
  input: {{type: object, required: [orderId], properties: {{orderId: {{type: integer}}}}}}
  tasks: [{{id: pay, taskRef: charge, input: {{orderId: "{{{{input.orderId}}}}"}}}}]
  output: {{payment: "{{{{tasks.pay.output.id}}}}"}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: intrude}}
spec: {{tasks: [{{id: call, taskRef: inner}}], output: done}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: surprised}}
spec: {{tasks: [{{id: call, taskRef: broken-schema}}], output: done}}
---
apiVersion: workflow.io/v1
kind: Workflow
metadata: {{name: pure}}
spec:
  durability: none
  tasks: [{{id: words, taskRef: greet, input: {{name: "{{{{input.name}}}}"}}}}]
  output: "{{{{tasks.words.output}}}}"
"""
