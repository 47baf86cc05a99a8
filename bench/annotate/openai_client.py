"""The same requests with the official openai package, as its README shows asyncio use."""
import asyncio
import json
import sys

from openai import AsyncOpenAI

SYSTEM = open(__file__.rsplit("/", 3)[0] + "/prompts/annotate/system.txt").read()
EXAMPLES = open(__file__.rsplit("/", 3)[0] + "/prompts/annotate/examples.txt").read()


async def main():
    client = AsyncOpenAI(base_url=sys.argv[2], api_key="none")
    gate = asyncio.Semaphore(64)
    system = SYSTEM.replace("{{examples}}", EXAMPLES)

    async def ask(doc):
        async with gate:
            reply = await client.chat.completions.create(
                model="gpt-4o-mini", max_tokens=600, temperature=0,
                response_format={"type": "json_object"},
                messages=[{"role": "system", "content": system},
                          {"role": "user", "content": "<document>\n%s\n</document>" % doc["text"]}])
            return json.loads(reply.choices[0].message.content)

    docs = [json.loads(line) for line in open(sys.argv[1])]
    print(len(await asyncio.gather(*map(ask, docs))))


asyncio.run(main())
